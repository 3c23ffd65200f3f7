#pragma once

#include "vm/host/internal/wasi.hpp"

namespace sojourn::vm {

/// Calls `operation(buffers, done)` for piece after piece. What was transferred before an error or
/// an interruption is the result; the error comes back with the guest's next call.
template <typename Operation>
Errno Wasi::transfer(Address iovecs, Size count, Address transferred, Transfer kind,
                     const Operation& operation) {
    if (!memory_.contains_word(transferred)) return Errno::fault;
    auto slices = memory_.read_slices(iovecs, count);
    if (!slices.ok()) return slices.error();
    std::uint64_t done = 0;
    for (Pieces pieces(memory_, *slices); !pieces.is_done();) {
        auto buffers = pieces.pin(kind == Transfer::out ? GuestMemory::Access::read
                                                        : GuestMemory::Access::write);
        Answer<std::size_t> moved =
            buffers.ok() ? operation(buffers->iovecs, done) : Answer<std::size_t>(buffers.error());
        if (!moved.ok() && done == 0) return moved.error();
        if (!moved.ok()) break;
        done += *moved;
        pieces.advance(*moved);
        const bool is_short = *moved < bytes_of(buffers->iovecs);
        if (*moved == 0 || (is_short && kind == Transfer::in)) break;
    }
    return memory_.write_word(transferred, done);
}

}  // namespace sojourn::vm
