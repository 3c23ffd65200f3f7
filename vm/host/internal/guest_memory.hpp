#pragma once

#include <string>
#include <sys/uio.h>
#include <vector>

#include "heap/heap.hpp"
#include "leases/service.hpp"
#include "vm/wasm/value_type.hpp"

namespace sojourn::vm {

using leases::Answer;
using leases::Errno;

/// Most of a guest's buffer that is pinned, and so given to the kernel, at a time.
inline constexpr std::uint64_t kPieceBytes = 65'536;

/// A part of the guest's memory that lies within it.
struct GuestSlice {
    std::uint64_t address = 0;
    std::uint64_t length = 0;
};

/// The memory of the calling instance, seen through addresses that nobody vouches for: whatever
/// lies outside answers fault. Borrows the region for one host call.
class GuestMemory {
public:
    using Access = heap::Region::Access;

    /// nullptr: a memory without a byte. `address` is i32 or i64: how wide addresses and sizes lie
    /// in it.
    GuestMemory(heap::Region* region, ValueType address)
        : region_(region), is_64_bit_(address == ValueType::i64) {}

    [[nodiscard]] bool is_64_bit() const { return is_64_bit_; }
    /// Of an address or size that lies in the memory.
    [[nodiscard]] std::uint64_t word_bytes() const { return is_64_bit_ ? 8 : 4; }

    [[nodiscard]] bool contains(std::uint64_t address, std::uint64_t length) const;
    /// As contains(), for an array; the product can't overflow.
    [[nodiscard]] bool contains_array(std::uint64_t address, std::uint64_t count,
                                      std::uint64_t element_bytes) const;

    Errno read_bytes(std::uint64_t address, MutableBytes out) const;
    Errno write_bytes(std::uint64_t address, Bytes bytes) const;

    template <typename T>
    Answer<T> read(std::uint64_t address) const {
        static_assert(std::has_unique_object_representations_v<T>, "guests see no padding");
        T value;
        const Errno error = read_bytes(address, std::as_writable_bytes(std::span(&value, 1)));
        if (error != Errno::success) return error;
        return value;
    }

    template <typename T>
    Errno write(std::uint64_t address, const T& value) const {
        static_assert(std::has_unique_object_representations_v<T>, "guests see no padding");
        return write_bytes(address, std::as_bytes(std::span(&value, 1)));
    }

    /// As contains(), for an address or size.
    [[nodiscard]] bool contains_word(std::uint64_t address) const {
        return contains(address, word_bytes());
    }
    /// Puts an address or size, which fits the width.
    Errno write_word(std::uint64_t address, std::uint64_t value) const;

    /// A name of the host's length at most. Errors: fault, nametoolong.
    Answer<std::string> read_path(std::uint64_t address, std::uint64_t length) const;

    /// The buffers of an array of WASI iovecs, all of which lie within the memory.
    /// Errors: fault; inval for more of them, or more bytes, than readv(2) takes in such a memory.
    Answer<std::vector<GuestSlice>> read_slices(std::uint64_t address, std::uint64_t count) const;

    /// Requires: the slice lies within the memory and is no longer than kPieceBytes.
    Answer<heap::Pin> pin(GuestSlice slice, Access access) const;

private:
    template <typename Word>
    Answer<std::vector<GuestSlice>> read_slices_of(std::uint64_t address,
                                                   std::uint64_t count) const;

    heap::Region* region_;
    bool is_64_bit_;
};

/// Buffers for one system call, and what keeps them in memory.
struct PinnedBuffers {
    std::vector<iovec> iovecs;
    std::vector<heap::Pin> pins;
};

/// Walks over buffers piece by piece.
class Pieces {
public:
    Pieces(const GuestMemory& memory, std::span<const GuestSlice> slices)
        : memory_(memory), slices_(slices) {
        skip_empty();
    }

    [[nodiscard]] bool is_done() const { return slices_.empty(); }

    /// The next kPieceBytes, or what is left, pinned for a system call.
    Answer<PinnedBuffers> pin(GuestMemory::Access access) const;
    void advance(std::uint64_t bytes);

private:
    void skip_empty();

    const GuestMemory& memory_;
    std::span<const GuestSlice> slices_;
    std::uint64_t done_in_first_ = 0;
};

std::uint64_t bytes_of(std::span<const iovec> buffers);

}  // namespace sojourn::vm
