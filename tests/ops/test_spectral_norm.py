"""``spectral_norm(f)``: what it wraps, what it refuses, and that it divides by the largest singular value."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archdsl import api
from archdsl.diagnostics import DiagnosticError

MODEL = "model m {{ input image: [B, 3, H=8, W=8]\n  {} }}\n"


def _load(tmp_path: Path, body: str, before: str = "") -> api.Model:
    (tmp_path / "m.arch").write_text(before + MODEL.format(body))
    return api.load(tmp_path / "m.arch")["m"]


@pytest.mark.parametrize(
    ("body", "weight"),
    [
        ("spectral_norm(conv(5, 3)) as f", lambda w: w.flatten(1)),
        ("spectral_norm(conv_transpose(5, 2, stride=2)) as f", lambda w: w.transpose(0, 1).flatten(1)),
        ("flatten -> spectral_norm(linear(5)) as f", lambda w: w),
    ],
)
def test_the_weight_in_use_has_a_largest_singular_value_of_one(tmp_path: Path, body: str, weight) -> None:  # type: ignore[no-untyped-def]
    if "flatten" in body:
        body = "adaptive_avg_pool(2) -> " + body
    model = _load(tmp_path, body)
    net = model.module(seed=0).train()
    for _ in range(60):
        net(torch.randn(2, 3, 8, 8))
    f = net.get_submodule("f")
    assert torch.linalg.matrix_norm(weight(f.weight), 2).item() == pytest.approx(1, abs=1e-3)
    sigma = torch.linalg.matrix_norm(weight(f.parametrizations.weight.original), 2)
    torch.testing.assert_close(f.weight * sigma, f.parametrizations.weight.original, rtol=1e-3, atol=1e-4)
    assert model.params == sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("body", ["spectral_norm(relu)", "spectral_norm(batch_norm)", "spectral_norm(unit)"])
def test_what_has_no_matrix_of_its_own_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(DiagnosticError, match="operators with a matrix of weights"):
        _load(tmp_path, f"conv(4) -> {body}", "block unit { conv(4) as a }\n")
