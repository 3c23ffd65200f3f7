#include "vm/host/internal/guest_memory.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <climits>

namespace sojourn::vm {

namespace {

template <typename Word>
struct GuestIovec {
    Word address;
    Word length;
};

std::uint64_t piece_of(std::uint64_t length) {
    return std::min(length, kPieceBytes);
}

}  // namespace

bool GuestMemory::contains(std::uint64_t address, std::uint64_t length) const {
    const std::uint64_t size = region_ == nullptr ? 0 : region_->size_bytes();
    return address <= size && length <= size - address;
}

bool GuestMemory::contains_array(std::uint64_t address, std::uint64_t count,
                                 std::uint64_t element_bytes) const {
    return count <= UINT64_MAX / element_bytes && contains(address, count * element_bytes);
}

Answer<heap::Pin> GuestMemory::pin(GuestSlice slice, Access access) const {
    auto pinned = region_->pin(slice.address, slice.length, access);
    if (!pinned.ok()) return Errno::io;  // the store could not deliver the page
    return std::move(*pinned);
}

Errno GuestMemory::read_bytes(std::uint64_t address, MutableBytes out) const {
    if (!contains(address, out.size())) return Errno::fault;
    while (!out.empty()) {
        const std::uint64_t length = piece_of(out.size());
        auto piece = pin({address, length}, Access::read);
        if (!piece.ok()) return piece.error();
        std::memcpy(out.data(), piece->data(), length);
        out = out.subspan(length);
        address += length;
    }
    return Errno::success;
}

Errno GuestMemory::write_bytes(std::uint64_t address, Bytes bytes) const {
    if (!contains(address, bytes.size())) return Errno::fault;
    while (!bytes.empty()) {
        const std::uint64_t length = piece_of(bytes.size());
        auto piece = pin({address, length}, Access::write);
        if (!piece.ok()) return piece.error();
        std::memcpy(piece->data(), bytes.data(), length);
        bytes = bytes.subspan(length);
        address += length;
    }
    return Errno::success;
}

Answer<std::string> GuestMemory::read_path(std::uint64_t address, std::uint64_t length) const {
    if (!contains(address, length)) return Errno::fault;
    if (length >= PATH_MAX) return Errno::nametoolong;
    std::string path(length, '\0');
    const Errno error = read_bytes(address, std::as_writable_bytes(std::span(path)));
    if (error != Errno::success) return error;
    return path;
}

Errno GuestMemory::write_word(std::uint64_t address, std::uint64_t value) const {
    if (is_64_bit_) return write(address, value);
    return write(address, static_cast<std::uint32_t>(value));
}

Answer<std::vector<GuestSlice>> GuestMemory::read_slices(std::uint64_t address,
                                                         std::uint64_t count) const {
    if (is_64_bit_) return read_slices_of<std::uint64_t>(address, count);
    return read_slices_of<std::uint32_t>(address, count);
}

template <typename Word>
Answer<std::vector<GuestSlice>> GuestMemory::read_slices_of(std::uint64_t address,
                                                            std::uint64_t count) const {
    constexpr std::uint64_t kTotalMax = std::numeric_limits<std::make_signed_t<Word>>::max();
    if (!contains_array(address, count, sizeof(GuestIovec<Word>))) return Errno::fault;
    if (count > IOV_MAX) return Errno::inval;
    std::vector<GuestIovec<Word>> iovecs(count);
    const Errno error = read_bytes(address, std::as_writable_bytes(std::span(iovecs)));
    if (error != Errno::success) return error;

    std::vector<GuestSlice> slices;
    std::uint64_t total = 0;
    for (const GuestIovec<Word>& iovec : iovecs) {
        if (!contains(iovec.address, iovec.length)) return Errno::fault;
        slices.push_back({iovec.address, iovec.length});
        total += iovec.length;
    }
    if (total > kTotalMax) return Errno::inval;
    return slices;
}

Answer<PinnedBuffers> Pieces::pin(GuestMemory::Access access) const {
    PinnedBuffers result;
    std::uint64_t left = kPieceBytes;
    std::uint64_t skip = done_in_first_;
    for (const GuestSlice& slice : slices_) {
        if (left == 0) break;
        const std::uint64_t length = std::min(slice.length - skip, left);
        if (length > 0) {
            auto pinned = memory_.pin({slice.address + skip, length}, access);
            if (!pinned.ok()) return pinned.error();
            result.iovecs.push_back({.iov_base = pinned->data(), .iov_len = length});
            result.pins.push_back(std::move(*pinned));
        }
        left -= length;
        skip = 0;
    }
    return result;
}

void Pieces::advance(std::uint64_t bytes) {
    done_in_first_ += bytes;
    skip_empty();
}

void Pieces::skip_empty() {
    while (!slices_.empty() && done_in_first_ >= slices_.front().length) {
        done_in_first_ -= slices_.front().length;
        slices_ = slices_.subspan(1);
    }
}

std::uint64_t bytes_of(std::span<const iovec> buffers) {
    std::uint64_t total = 0;
    for (const iovec& buffer : buffers)
        total += buffer.iov_len;
    return total;
}

}  // namespace sojourn::vm
