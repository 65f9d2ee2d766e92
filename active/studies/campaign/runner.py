"""Plays a campaign through and keeps every round for the next call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataengine import starter
from dataengine.files import read_json, sha256_file, short_sha256
from dataengine.nets.checkpoint import WEIGHTS_NAME
from dataengine.people import Images
from dataengine.requests.folder import read_requests
from dataengine.requests.record import PoseRequest

from ..pool_study import PoolStudy
from .outcome import CampaignFacts, PlayedCampaign
from .page import write_campaign_page
from .places import RoundFolder
from .plan import ARMS, ENGINE, RANDOM, START, UNDIRECTED, CampaignPlan, CampaignRound
from .playing import CampaignFiles, RoundStart, play
from .versus import RARE, Versus, compare_arms, interval_of, slice_of

ROUNDS, VERSUS = "rounds", "versus"


@dataclass(frozen=True, kw_only=True)
class Campaign(PoolStudy[CampaignRound, PlayedCampaign]):
    """A plan on one labelled pool."""

    command = "campaign"
    outcome_kind = PlayedCampaign
    page_name = "campaign"

    plan: CampaignPlan
    files: CampaignFiles

    def outcome(self, trial: CampaignRound) -> PlayedCampaign:
        """Play and measure, as far as an earlier call has not."""
        keys = self._labelled(trial)
        start = RoundStart(
            trial=trial,
            folder=self._folder(trial),
            before=self._folder(trial.before) if trial.number else None,
            first=self._folder(CampaignRound(START, trial.seed, 0)),
            labelled=self.sets.pool.of(keys),
            candidates=self._candidates(trial, set(keys)),
            library_renders=self._library_renders(trial),
        )
        play(self.files, self.plan, start, self._log)
        return self.keep(trial, self._measured(start), images=keys)

    def write(self, known: Mapping[CampaignRound, PlayedCampaign]) -> None:
        """The page and the plot; arms are compared with each other once their last rounds are there."""
        sets = self.sets
        facts = CampaignFacts(
            command=self.line,
            pool_images=len(sets.pool.images),
            val_images=len(sets.val.images),
            test_images=len(sets.test.images),
            test_people=len(sets.test.people),
            oks_sigmas=self.protocol.sigmas_name,
        )
        write_campaign_page(self.report, facts, self.plan, known, self._versus(known))

    @property
    def _log(self) -> Path:
        return self.report / "campaign.log"

    def _folder(self, trial: CampaignRound) -> RoundFolder:
        return RoundFolder(self.report / ROUNDS / self.name(trial))

    def _labelled(self, trial: CampaignRound) -> list[str]:
        """Keys of the images with labels in a round."""
        order = self.sets.order(trial.seed)
        if not trial.number:
            return order[: self.plan.start]
        earlier = [str(key) for key in read_json(self.record_of(trial.before))["images"]]
        if not ARMS[trial.arm].selects:
            known = set(earlier)
            return earlier + [key for key in order if key not in known][: self.plan.step]
        picks = read_json(self._folder(trial.before).of("select/to_label.json"))["images"]
        ranked = sorted(picks, key=lambda sha256: picks[sha256]["rank"])
        return earlier + [short_sha256(sha256) for sha256 in ranked]

    def _candidates(self, trial: CampaignRound, known: set[str]) -> Images:
        """Images without labels, in the random order of the seed, so that arms look at the same as far as they can."""
        wanted = [key for key in self.sets.order(trial.seed) if key not in known][: self.plan.candidates]
        return self.sets.pool.of(wanted).images

    def _library_renders(self, trial: CampaignRound) -> int:
        """Renders without aim are as many as the engine's with it, round by round."""
        if trial.arm != UNDIRECTED:
            return self.plan.base_renders
        rounds = [CampaignRound(ENGINE, trial.seed, number) for number in range(1, trial.number + 1)]
        return self.plan.base_renders + _asked_renders(self._folder(rounds[-1]))

    def _measured(self, start: RoundStart) -> PlayedCampaign:
        folder = start.folder
        verdict, shipped = read_json(folder.of("compare/verdict.json")), read_json(folder.of("shipped.json"))
        rare, ap, val = slice_of(verdict, RARE), interval_of(verdict["AP"]), shipped["val_ap"]
        assert ap is not None
        arm = ARMS.get(start.trial.arm)
        asks = arm is None or arm.asks
        requests = read_requests(folder.of("requests")) if asks else []
        number = int(verdict["round"])
        return PlayedCampaign(
            labels=len(set(start.labelled.keys.tolist())),
            library_renders=start.library_renders if arm and arm.renders else 0,
            asked_renders=_asked_renders(folder),
            pseudo_people=len(read_json(folder.of("pseudo.json"))["annotations"]) if shipped["fit"] == "pseudo" else 0,
            pseudo_gain=round(val["pseudo"] - val["plain"], 6) if "pseudo" in val else None,
            ap=ap,
            rare=interval_of(rare.get("candidate")),
            rare_people=int(rare.get("people", 0)),
            gain=interval_of(verdict["gain"]),
            rare_gain=interval_of(rare.get("gain")),
            verdict=str(verdict["verdict"]),
            reason=str(verdict["reason"]),
            outcome=str(read_json(folder.of("promote/promotion.json")).get("outcome", "")),
            requests=tuple(
                f"{r.id} ({r.asked.asked_by}, {r.asked.part or 'poses'}): {_words(r)}"
                for r in requests
                if r.state.served_in == number
            ),
            asked=tuple(f"{r.id}: {r.asked.reason}" for r in requests if r.state.now == "waiting"),
        )

    def _versus(self, known: Mapping[CampaignRound, PlayedCampaign]) -> list[Versus]:
        found = []
        for seed in self.plan.seeds:
            last = {arm: CampaignRound(arm, seed, self.plan.rounds) for arm in self.plan.arms}
            for against in (RANDOM, UNDIRECTED):
                if not all(arm in last and last[arm] in known for arm in (ENGINE, against)):
                    continue
                names = [self.name(last[arm]) for arm in (ENGINE, against)]
                found.append(
                    compare_arms(
                        RoundFolder(self.report / VERSUS / "-against-".join(names)),
                        champion=self._folder(last[against]),
                        candidate=self._folder(last[ENGINE]),
                        test=self.files.test,
                        document=self.files.document,
                        plan=self.plan,
                        names=(ENGINE, against),
                        seed=seed,
                        log=self._log,
                    )
                )
        return found

    @cached_property
    def _decides(self) -> list[Any]:
        """What decides a result apart from the plan."""
        sets = {name: getattr(self.sets, name).sha256 for name in ("pool", "val", "test")}
        return [sets, self.files.document, sha256_file(starter.FOLDER / WEIGHTS_NAME)]


def _asked_renders(folder: RoundFolder) -> int:
    path = folder.of("data/render/requested/requests.json")
    return sum(int(made["renders"]) for made in read_json(path).values()) if path.exists() else 0


def _words(request: PoseRequest) -> str:
    """What it brought in the round that served it; the next one begins with the labels of its pictures."""
    brought = request.state.brought
    *_, change = str(brought.get("words", "")).split("; ")
    return f"{brought.get('renders', 0)} renders, {brought.get('pictures', 0)} pictures to label; {change}"
