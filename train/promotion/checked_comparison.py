"""Whether a comparison's folder bears its verdict: the decision is made again, from the evidence and the ledger."""

from dataclasses import dataclass
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.registry.ledger import Ledger, TestUse

from ..gate.comparison import VERDICT_FILE, Comparison, read_verdict
from ..gate.conclusion import conclude, resampled
from ..gate.measured import EVIDENCE_FILE, MeasuredComparison
from ..gate.policy import CompareParams, policy_hash

_FIX = "run `dataengine compare` again"


@dataclass(frozen=True, eq=False)
class CheckedComparison:
    """A verdict that its evidence bears."""

    verdict: Comparison
    verdict_sha256: str
    evidence_sha256: str
    measured: MeasuredComparison

    def require_known_evidence(self, ledger: Ledger) -> None:
        """Raise `InputError` where the ledger has entered this comparison with other evidence."""
        lines = ledger.lines_of(self.measured.facts.inputs)
        if lines and self.evidence_sha256 not in [line.evidence_sha256 for line in lines]:
            raise InputError(f"{EVIDENCE_FILE} is not what the registry's ledger names", fix=_FIX)

    def line(self, at: str, policy: CompareParams) -> TestUse:
        """The ledger's line about it."""
        inputs = self.measured.facts.inputs
        return TestUse(at, inputs, policy.share, self.verdict.verdict, self.evidence_sha256)


def checked_comparison(folder: Path, policy: CompareParams, oks_sigmas: str) -> CheckedComparison:
    """Read the folder that `compare` wrote and decide again by `policy`; `oks_sigmas` is the name of the sigmas.

    Raises:
        InputError: verdict and evidence are not about the same comparison, or the policy is another one than theirs, or
            the evidence does not lead to what the verdict says.
    """
    verdict, measured = read_verdict(folder / VERDICT_FILE), MeasuredComparison.read(folder / EVIDENCE_FILE)
    inputs = measured.facts.inputs
    named, found = (verdict.candidate.id, verdict.champion_id), (inputs.candidate, inputs.champion)
    if named != found:
        raise InputError(
            f"{folder / EVIDENCE_FILE} is about other models than the verdict",
            expected=" against ".join(name or "no champion" for name in named),
            got=" against ".join(name or "no champion" for name in found),
            fix=_FIX,
        )
    if not oks_sigmas == inputs.oks_sigmas == verdict.test.oks_sigmas:
        raise InputError(
            f"{folder} was made by other sigmas than those of section oks",
            expected=oks_sigmas,
            got=inputs.oks_sigmas,
            fix=_FIX,
        )
    wanted = policy.hash_with(oks_sigmas)
    if not wanted == inputs.policy == policy_hash(verdict.policy, oks_sigmas):
        raise InputError(
            f"{folder} was made by another policy than that of section compare",
            expected=f"hash {wanted}",
            got=inputs.policy,
            fix=_FIX,
        )
    conclusion, _ = conclude(policy, measured, resampled(policy, measured), verdict.test.use, verdict.test.spent)
    difference = conclusion.differs_from(verdict)
    if difference:
        raise InputError(
            f"{folder / VERDICT_FILE} does not follow from its evidence",
            expected=conclusion.verdict.decision,
            got=f"another {difference}",
            fix=_FIX,
        )
    return CheckedComparison(verdict, sha256_file(folder / VERDICT_FILE), sha256_file(folder / EVIDENCE_FILE), measured)
