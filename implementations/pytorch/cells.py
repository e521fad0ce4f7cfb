"""The cells of the kernel ``manual``: what is done in a stage, forward and backward.

See ``diagonal.py`` for shapes and stages. tanh(a) is computed as 2σ(2a) - 1, since
``torch.tanh`` takes three times as long as ``torch.sigmoid`` on the CPU. The factors are
kept in the weights (``diagonal.py``): states are stored as h/2, the LSTM's cells as 2c,
and a tanh as half its value.
"""

from typing import Any

import torch

from implementations.pytorch.diagonal import Diagonal, Packed

Tensor = torch.Tensor


class Rnn(Diagonal):
    """Elman 1990."""

    GATES = 1

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.steps: list[tuple[Any, ...]] = [
            (self.products(s), self.gates[self.place(s), w, 0], self.states[s + 1, w])
            for s, w in ((s, self.at_work(s)) for s in range(self.stages))
        ]
        self.back: list[tuple[Any, ...]] = [
            (
                self.states[stages.start + 1 : stages.stop + 1], self.d_gates[part, :, 0],
                [
                    (s - self.layers + 1, self.d_states[w], self.d_gates[p, w, 0], backs)
                    for s, p, w, backs in self.backs(stages)
                ],
            )
            for stages, part in (self.blocks() if self.keep else ())
        ]  # fmt: skip

    def forward(self, layers: list[Packed]) -> None:
        for products, gates, state in self.steps:
            for layer, reads, _, out in products:
                torch.mm(layers[layer].joint, reads, out=out)
            gates.sigmoid_()
            torch.sub(gates, self.half, out=state)

    def backward(self, d_top: Tensor, layers: list[Packed]) -> None:
        every_step, add = self.begin(d_top), int(self.layers > 1)
        for states, slopes, steps in self.back:
            torch.addcmul(self.quarter, states, states, value=-1, out=slopes)
            for t, d_state, d_gate, backs in steps:
                if every_step and t >= 0:
                    self.d_states[-1].add_(d_top[t])
                d_gate.mul_(d_state)
                if add:
                    self.d_reads.zero_()
                for layer, d_gates, reads, _, d_reads, _ in backs:
                    d_reads.addmm_(layers[layer].joint_back, d_gates, beta=add)
                    layers[layer].d_joint.addmm_(d_gates, reads)


class Lstm(Diagonal):
    """Gers 2000; gates i, f, g, o."""

    GATES = 4

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.pairs = self.stored(2, more=1)  # g/2 of a stage, and the cell before it
        self.squashed = self.stored(1)  # half the tanh of the cell after it
        self.steps: list[tuple[Any, ...]] = []
        for s in range(self.stages):
            work, here, after = self.at_work(s), self.place(s), self.place(s + 1)
            gates, squashed = self.gates[here, work], self.squashed[here, work, 0]
            cells = *self.pairs[here, work].unbind(1), self.pairs[after, work, 1]
            views = gates, *gates.unbind(1), *cells, squashed, self.states[s + 1, work]
            self.steps.append((self.products(s), *views))
        self.back: list[tuple[Any, ...]] = []
        if not self.keep:
            return
        self.by_state, self.d_cells = (
            self.zeros(self.size, self.layers, self.h),
            self.zeros(self.layers, self.h),
        )
        for stages, part in self.blocks():
            steps = []
            for s, p, work, backs in self.backs(stages):
                slopes, f = self.d_gates[p, work], self.gates[s, work, 1]
                views = self.d_states[work], self.d_cells[work], slopes[:, :3], slopes[:, 3], f
                steps.append((s - self.layers + 1, *views, self.by_state[p, work], backs))
            self.back.append(
                (self.gates[stages], self.d_gates[part], self.pairs[stages],
                 self.squashed[stages, :, 0], self.by_state[part], steps)
            )  # fmt: skip

    def forward(self, layers: list[Packed]) -> None:
        for products, gates, i, f, g, o, half_g, cell, next_cell, squashed, state in self.steps:
            for layer, reads, _, out in products:
                torch.mm(layers[layer].joint, reads, out=out)
            gates.sigmoid_()
            torch.sub(g, self.half, out=half_g)
            torch.mul(f, cell, out=next_cell).addcmul_(i, half_g, value=4)
            torch.sigmoid(next_cell, out=squashed).sub_(self.half)
            torch.mul(o, squashed, out=state)

    def backward(self, d_top: Tensor, layers: list[Packed]) -> None:
        every_step, add = self.begin(d_top), int(self.layers > 1)
        self.d_cells.zero_()
        for gates, slopes, pairs, squashed, by_state, steps in self.back:
            # Each gate's gradient is that of the state or of the cell times a factor that
            # does not wait for the recurrence. A 4 in those of i and g is in the weights.
            torch.addcmul(gates, gates, gates, value=-1, out=slopes)
            slopes[:, :, :2].mul_(pairs)
            slopes[:, :, 2].mul_(gates[:, :, 0])
            slopes[:, :, 3].mul_(squashed)
            torch.mul(squashed, squashed, out=by_state).sub_(self.quarter).mul_(gates[:, :, 3])
            for t, d_state, d_cell, d_ifg, d_o, f, minus_by_state, backs in steps:
                if every_step and t >= 0:
                    self.d_states[-1].add_(d_top[t])
                d_cell.addcmul_(d_state, minus_by_state, value=-1)
                d_o.mul_(d_state)
                d_ifg.mul_(d_cell.unsqueeze(1))
                d_cell.mul_(f)
                if add:
                    self.d_reads.zero_()
                for layer, d_gates, reads, _, d_reads, _ in backs:
                    d_reads.addmm_(layers[layer].joint_back, d_gates, beta=add)
                    layers[layer].d_joint.addmm_(d_gates, reads)


class Gru(Diagonal):
    """Cho 2014, the reset gate after the product; r, z, U·h + b, and the candidate apart."""

    GATES = 4

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        h = self.h
        self.candidates = self.stored(1)  # n/2
        self.steps: list[tuple[Any, ...]] = []
        for s in range(self.stages):
            work, here = self.at_work(s), self.place(s)
            products = [(i, x, y, g[: 3 * h], g[3 * h :]) for i, x, y, g in self.products(s)]
            gates, n = self.gates[here, work], self.candidates[here, work, 0]
            before, after = self.states[s, work], self.states[s + 1, work]
            self.steps.append((products, gates[:, :2], *gates.unbind(1), n, before, after))
        self.back: list[tuple[Any, ...]] = []
        if not self.keep:
            return
        self.spare = self.zeros(self.size, self.layers, h)
        for stages, part in self.blocks():
            steps = []
            for s, p, work, backs in self.backs(stages):
                d = [(b, b.gates[: 3 * h], b.gates[3 * h :]) for b in backs]
                z = self.gates[s, work, 1]
                views = self.d_states[work], self.d_gates[p, work], z
                steps.append((s - self.layers + 1, *views, d))
            self.back.append(
                (self.gates[stages], self.d_gates[part], self.candidates[stages, :, 0],
                 self.states[stages], self.spare[part], steps)
            )  # fmt: skip

    def forward(self, layers: list[Packed]) -> None:
        for products, rz, r, z, inner, n, half_n, before, after in self.steps:
            for layer, reads, sources, out, out_n in products:
                torch.mm(layers[layer].joint, reads, out=out)
                torch.mm(layers[layer].apart, sources, out=out_n)
            rz.sigmoid_()
            n.addcmul_(r, inner).sigmoid_()
            torch.sub(n, self.half, out=half_n)
            # (1 - z)·n + z·h
            torch.lerp(half_n, before, z, out=after)

    def backward(self, d_top: Tensor, layers: list[Packed]) -> None:
        every_step = self.begin(d_top)
        for gates, slopes, half_n, before, spare, steps in self.back:
            # Each gate's gradient is that of the state times a factor that does not wait
            # for the recurrence.
            r, z, inner, _ = gates.unbind(2)
            by_r, by_z, by_inner, by_n = slopes.unbind(2)
            torch.addcmul(gates, gates, gates, value=-1, out=slopes)
            by_n.sub_(torch.mul(by_n, z, out=spare))
            by_r.mul_(inner).mul_(by_n)
            by_z.mul_(torch.sub(before, half_n, out=spare))
            torch.mul(by_n, r, out=by_inner)
            for t, d_state, d_gates, z_t, backs in steps:
                if every_step and t >= 0:
                    self.d_states[-1].add_(d_top[t])
                d_gates.mul_(d_state.unsqueeze(1))
                # What is carried past the gates; the products add the rest.
                d_state.mul_(z_t)
                for (layer, _, reads, sources, d_reads, d_sources), d_joint, d_n in backs:
                    d_reads.addmm_(layers[layer].joint_back, d_joint)
                    layers[layer].d_joint.addmm_(d_joint, reads)
                    layers[layer].d_apart.addmm_(d_n, sources)
                    if layer:
                        d_sources.addmm_(layers[layer].apart_back, d_n)
