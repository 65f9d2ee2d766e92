"""A fit between two epochs: what has been learnt, what was measured, and which epoch is shipped."""

import gc
import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dataengine.crops.training.loader import WaitClock, prepared_batches
from dataengine.crops.training.samples import CropSamples
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.predict import torch_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.person_scale import person_area

from .consistency.people import Unlabelled
from .consistency.stepping import UnlabelledBatches, weight_at
from .consistency.watch import figures_of_sums
from .distill import Distillation
from .epochs import WholeEpochs
from .learnt_from.curriculum import place_at
from .learnt_from.training_set import TrainingSet
from .networks import StepperMaker, averaged_network
from .params import DistillParams, FitParams
from .schedule import average_decay, rate_in_phase
from .state import FitState
from .steps.batch import Ready, mirrored
from .steps.ranks import Ranks

INFERENCE_BATCH = 64


class Run:
    """A fit in progress: the network, its average, the optimizer, the history of whole epochs."""

    def __init__(
        self,
        params: FitParams,
        meta: ModelMeta,
        training: TrainingSet,
        ranks: Ranks,
        distill: DistillParams | None = None,
        *,
        precision: str,
        protocol: OksProtocol = COCO,
        unlabelled: Unlabelled | None = None,
    ) -> None:
        """`precision` is what `params.precision` means on this machine: bf16, fp16 or fp32.

        `protocol` is how the network will be scored, and what its OKS loss is by.
        """
        self.params, self.training, self.precision = params, training, precision
        self.samples = CropSamples(
            training.people,
            training.images,
            meta.crop,
            params.augments[0],
            later=params.augments[1:],
            store=params.loader.store(),
        )
        self.net, self.average = averaged_network(params, meta)
        # one for all validations: on a GPU it keeps the graphs that it has recorded, which read the weights in place
        self.average_runner = torch_runner(self.average)
        self.ranks = ranks
        self.distillation = (
            Distillation(distill, self.net, meta, params.seed, label_sigma_px=params.label_sigma_px)
            if distill is not None and distill.teacher
            else None
        )
        self.taught = np.array([name in (meta.taught or meta.keypoints) for name in meta.keypoints])
        self.size_px = (meta.input_width_px, meta.input_height_px)
        maker = StepperMaker(
            params,
            meta,
            area_px2=person_area(training.people),
            image_path=self.samples.image_path,
            ranks=ranks,
            distillation=self.distillation,
            precision=precision,
            protocol=protocol,
            unlabelled=unlabelled,
            taught=self.taught,
        )
        self.stepper, self.peer = maker.steppers(self.net, self.average)
        self.epochs = WholeEpochs(params)
        drawn = len(training.order(0, params.draws_per_epoch, params.people_per_epoch))
        common_batch = min(params.batch * params.accumulate * ranks.world, drawn)
        self.batch = common_batch // ranks.world * ranks.world  # of all ranks together
        if not self.batch:
            raise InputError("fewer samples than processes", expected=f"{ranks.world} or more", got=str(drawn))
        self.steps_per_epoch = drawn // self.batch
        self.steps = params.epochs * self.steps_per_epoch
        self.unlabelled = (
            UnlabelledBatches(unlabelled, meta.crop, self.batch, ranks, params.loader.store()) if unlabelled else None
        )
        self.fit_seconds, self._fit_images, self.waited = 0.0, 0, WaitClock()

    @property
    def done(self) -> int:
        """Number of epochs that are complete."""
        return len(self.epochs)

    @property
    def history(self) -> list[dict[str, float]]:
        """The figures of every whole epoch."""
        return self.epochs.figures

    def restore(self, state: FitState | None) -> None:
        """Continue where `state` stands."""
        if state is None:
            return
        self.stepper.learner.restore(state.learner())
        if self.distillation is not None:
            self.distillation.projection.load_state_dict(state.projection)
        if self.peer is not None:
            self.peer.learner.restore(state.peer)
        self.epochs.restore(state.history, state.best)

    def state(self, run_fingerprint: str) -> FitState:
        """What to save after a whole epoch."""
        return FitState(
            fingerprint=run_fingerprint,
            epochs_done=self.done,
            **self.stepper.learner.state(),
            history=self.history,
            best=self.epochs.best,
            projection=self.distillation.projection.state_dict() if self.distillation else {},
            peer=self.peer.learner.state() if self.peer is not None else {},
            precision=self.precision,
        )

    def leave(self) -> None:
        """Leave the other ranks, when all is fitted."""
        self.stepper.learner.parallel = None
        if self.peer is not None:
            self.peer.learner.parallel = None
        gc.collect()  # a cycle that holds DistributedDataParallel would hold gloo's threads at exit
        self.ranks.leave()

    @property
    def inference_batch(self) -> int:
        """Number of crops to predict at a time; after memory ran out, no more than are fitted at a time."""
        pieces = self.stepper.learner.pieces
        return -(-self.batch // self.ranks.world // pieces) if pieces > self.params.accumulate else INFERENCE_BATCH

    def note(self, figures: dict[str, float]) -> None:
        """Append the figures of the epoch just fitted; keep its average if it is the best and the best is shipped."""
        self.epochs.note(figures, self.average)

    def shipped(self) -> nn.Module:
        """The average of the last or the best epoch."""
        if self.epochs.best is not None:
            self.average.load_state_dict(self.epochs.best)
        return self.average

    def epoch(self, step_numbers: Iterator[int]) -> float:
        """Fit one epoch; returns its mean loss."""
        order = self.training.order(self.done, self.params.draws_per_epoch, self.params.people_per_epoch)
        dropout_seed = np.random.SeedSequence([self.params.seed, self.done])  # for networks that have dropout
        torch.manual_seed(int(dropout_seed.generate_state(1)[0]))
        started = time.perf_counter()
        phase = place_at(self.params.phases, self.done).number
        self.samples.use(self.params.augments[phase])
        steppers = [stepper for stepper in (self.stepper, self.peer) if stepper is not None]
        for stepper in steppers:
            stepper.learner.enter_phase(phase)
            if self.unlabelled is not None:
                self.ranks.same_buffers(stepper.learner.average_net)
        for batch in self._batches(order):
            step = next(step_numbers)
            rate = rate_in_phase(self.params, self.done, step, self.steps_per_epoch)
            decay = average_decay(self.params, step)
            weight = weight_at(self.unlabelled.unlabelled.params, step, self.steps) if self.unlabelled else 0.0
            position = f"epoch {self.done}, step {step}"
            self.stepper.step(batch, rate, position, decay, weight)
            if self.peer is not None:
                self.peer.step(mirrored(batch), rate, f"{position} of the second network", decay, weight)
        mean, *_ = [stepper.mean_loss() for stepper in steppers]
        self.fit_seconds += time.perf_counter() - started
        self._fit_images += self.steps_per_epoch * self.batch
        return mean

    def _batches(self, order: NDArray[np.int64]) -> Iterator[Ready]:
        """This rank's batches of an epoch that visits `order`."""
        places = self.ranks.places(len(order), self.batch)
        if self.unlabelled is not None:
            return self.unlabelled.epoch(
                self.samples,
                order[places],
                self.batch // self.ranks.world,
                self.params.seed,
                self.done,
                self.stepper.ready,
                steps=self.steps_per_epoch,
                places=places,
                raw=self.stepper.device.type == "cuda",
                workers=self.params.loader.threads(self.stepper.device.type),
                waited=self.waited,
            )
        return prepared_batches(
            self.samples,
            order[places],
            batch=self.batch // self.ranks.world,
            seed=self.params.seed,
            epoch=self.done,
            prepare=self.stepper.ready,
            raw=self.stepper.device.type == "cuda",
            workers=self.params.loader.threads(self.stepper.device.type),
            places=places,
            waited=self.waited,
        )

    def watched(self) -> dict[str, float]:
        """What was watched in the epoch just fitted, of all ranks; nothing without people without labels."""
        consistency = self.stepper.learner.consistency
        if consistency is None:
            return {}
        sums = self.ranks.total(consistency.sums).cpu().numpy()
        consistency.sums.zero_()
        return figures_of_sums(sums, self.size_px, self.taught)

    def speed(self) -> dict[str, float]:
        """Images a second that this process fitted, the share of that time spent waiting for crops, epochs of the fit.

        The first two are 0 if it only finished the report.
        """
        seconds = self.fit_seconds
        return {
            "epochs": float(self.done),
            "images_per_s": round(self._fit_images / seconds, 1) if seconds else 0.0,
            "loader_wait_share": round(self.waited.seconds / seconds, 4) if seconds else 0.0,
        }
