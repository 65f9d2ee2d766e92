"""A fit between two epochs: what has been learnt, what was measured, and which epoch is shipped."""

import copy
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

from .curriculum import place_at
from .distill import Distillation
from .params import DistillParams, FitParams
from .schedule import average_decay, rate_in_phase
from .start import choose_device, first_network
from .state import FitState
from .step import Stepper
from .steps.batch import Ready
from .steps.optimizer import take_state
from .steps.ranks import Ranks
from .training_set import TrainingSet

INFERENCE_BATCH = 64
CHOSEN_BY = "val_oks_ap"  # decides which epoch was best, and whether there is still progress


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
    ) -> None:
        """`precision` is what `params.precision` means on this machine: bf16, fp16 or fp32.

        `protocol` is how the network will be scored, and what its OKS loss is by.
        """
        device = choose_device(params)
        self.params, self.training, self.precision = params, training, precision
        self.samples = CropSamples(
            training.people,
            training.images,
            meta.crop,
            params.augments[0],
            later=params.augments[1:],
            store=params.loader.store(),
        )
        layout = torch.channels_last if params.channels_last else torch.contiguous_format
        self.net = first_network(params, meta).to(device=device, memory_format=layout)
        self.average = copy.deepcopy(self.net)
        # one for all validations: on a GPU it keeps the graphs that it has recorded, which read the weights in place
        self.average_runner = torch_runner(self.average)
        self.ranks = ranks
        self.distillation = (
            Distillation(distill, self.net, meta, params.seed) if distill is not None and distill.teacher else None
        )
        self.stepper = Stepper(
            params,
            self.net,
            area_px2=person_area(training.people),
            image_path=self.samples.image_path,
            ranks=ranks,
            distillation=self.distillation,
            average=self.average,
            precision=precision,
            protocol=protocol,
        )
        self.best: dict[str, torch.Tensor] | None = None
        self.history: list[dict[str, float]] = []
        drawn = len(training.order(0, params.draws_per_epoch, params.people_per_epoch))
        common_batch = min(params.batch * params.accumulate * ranks.world, drawn)
        self.batch = common_batch // ranks.world * ranks.world  # of all ranks together
        if not self.batch:
            raise InputError("fewer samples than processes", expected=f"{ranks.world} or more", got=str(drawn))
        self.steps_per_epoch = drawn // self.batch
        self.steps = params.epochs * self.steps_per_epoch
        self.fit_seconds, self._fit_images, self.waited = 0.0, 0, WaitClock()

    @property
    def done(self) -> int:
        """Number of epochs that are complete."""
        return len(self.history)

    def restore(self, state: FitState | None) -> None:
        """Continue where `state` stands."""
        if state is None:
            return
        self.net.load_state_dict(state.net)
        self.average.load_state_dict(state.average)
        learner = self.stepper.learner
        take_state(learner.optimizer, state.optimizer)
        learner.scaler.load_state_dict(state.scaler)
        learner.pieces = state.pieces
        if self.distillation is not None:
            self.distillation.projection.load_state_dict(state.projection)
        self.best = None if state.best is None else dict(state.best)
        self.history = list(state.history)

    def state(self, run_fingerprint: str) -> FitState:
        """What to save after a whole epoch."""
        learner = self.stepper.learner
        return FitState(
            fingerprint=run_fingerprint,
            epochs_done=self.done,
            net=self.net.state_dict(),
            average=self.average.state_dict(),
            optimizer=learner.optimizer.state_dict(),
            history=self.history,
            best=self.best,
            scaler=learner.scaler.state_dict(),
            projection=self.distillation.projection.state_dict() if self.distillation else {},
            pieces=learner.pieces,
            precision=self.precision,
        )

    def leave(self) -> None:
        """Leave the other ranks, when all is fitted."""
        self.stepper.learner.parallel = None
        self.ranks.leave()

    @property
    def inference_batch(self) -> int:
        """Number of crops to predict at a time; after memory ran out, no more than are fitted at a time."""
        pieces = self.stepper.learner.pieces
        return -(-self.batch // self.ranks.world // pieces) if pieces > self.params.accumulate else INFERENCE_BATCH

    def finished(self) -> bool:
        """Whether all epochs are done, or the last `patience` epochs brought no better one."""
        waited = self.done - 1 - self._best_epoch() if self.history else 0
        return self.done >= self.params.epochs or 0 < self.params.patience <= waited

    def note(self, figures: dict[str, float]) -> None:
        """Append the figures of the epoch just fitted; keep its average if it is the best and the best is shipped."""
        self.history.append(figures)
        if self.params.ship == "best" and self._best_epoch() == self.done - 1:
            self.best = {name: tensor.clone() for name, tensor in self.average.state_dict().items()}

    def shipped(self) -> nn.Module:
        """The average of the last or the best epoch."""
        if self.best is not None:
            self.average.load_state_dict(self.best)
        return self.average

    def shipped_figures(self) -> dict[str, float]:
        """The history's figures of the epoch that is shipped."""
        return self.history[self._best_epoch() if self.best is not None else -1]

    def _best_epoch(self) -> int:
        """The first epoch with the highest AP."""
        return int(np.argmax([figures[CHOSEN_BY] for figures in self.history]))

    def epoch(self, step_numbers: Iterator[int]) -> float:
        """Fit one epoch; returns its mean loss."""
        order = self.training.order(self.done, self.params.draws_per_epoch, self.params.people_per_epoch)
        dropout_seed = np.random.SeedSequence([self.params.seed, self.done])  # for networks that have dropout
        torch.manual_seed(int(dropout_seed.generate_state(1)[0]))
        started = time.perf_counter()
        phase = place_at(self.params.phases, self.done).number
        self.stepper.learner.enter_phase(phase)
        self.samples.use(self.params.augments[phase])
        for batch in self._batches(order):
            step = next(step_numbers)
            rate = rate_in_phase(self.params, self.done, step, self.steps_per_epoch)
            decay = average_decay(self.params, step)
            self.stepper.step(batch, rate, f"epoch {self.done}, step {step}", decay)
        mean = self.stepper.mean_loss()
        self.fit_seconds += time.perf_counter() - started
        self._fit_images += self.steps_per_epoch * self.batch
        return mean

    def _batches(self, order: NDArray[np.int64]) -> Iterator[Ready]:
        """This rank's batches of an epoch that visits `order`."""
        places = self.ranks.places(len(order), self.batch)
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
