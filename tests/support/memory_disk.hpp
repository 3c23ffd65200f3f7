#pragma once

#include <algorithm>
#include <map>

#include "leases/volume/volumes.hpp"

namespace sojourn::test {

/// A disk that is a plain buffer.
class MemoryDisk final : public leases::Disk {
public:
    explicit MemoryDisk(std::uint64_t size_bytes_max, ByteVector content = {})
        : size_bytes_max_(size_bytes_max), bytes_(std::move(content)) {}

    std::uint64_t size_bytes() const override { return bytes_.size(); }
    std::uint64_t size_bytes_max() const override { return size_bytes_max_; }
    leases::Answer<void> grow(std::uint64_t size_bytes) override {
        EXPECTS(size_bytes >= bytes_.size() && size_bytes <= size_bytes_max_, "a disk grows");
        bytes_.resize(size_bytes);
        return {};
    }
    leases::Answer<void> read(std::uint64_t offset, MutableBytes out) const override {
        std::ranges::copy(Bytes(part(offset, out.size())), out.begin());
        return {};
    }
    leases::Answer<void> write(std::uint64_t offset, Bytes bytes) override {
        std::ranges::copy(bytes, part(offset, bytes.size()).begin());
        return {};
    }
    leases::Answer<void> clear(std::uint64_t offset, std::uint64_t length) override {
        std::ranges::fill(part(offset, length), std::byte{0});
        return {};
    }

    [[nodiscard]] ByteVector& content() { return bytes_; }
    /// Blocks that are not zeros: what a store would keep.
    [[nodiscard]] std::size_t stored_blocks() const {
        constexpr std::size_t kBlockBytes = 4096;
        std::size_t count = 0;
        for (std::size_t at = 0; at < bytes_.size(); at += kBlockBytes) {
            const auto block = Bytes(bytes_).subspan(at, kBlockBytes);
            if (std::ranges::any_of(block, [](std::byte b) { return b != std::byte{0}; })) ++count;
        }
        return count;
    }

private:
    MutableBytes part(std::uint64_t offset, std::uint64_t length) const {
        EXPECTS(offset <= bytes_.size() && length <= bytes_.size() - offset,
                "a volume stays on its disk");
        return MutableBytes(bytes_).subspan(offset, length);
    }

    std::uint64_t size_bytes_max_;
    mutable ByteVector bytes_;
};

/// The disks of a process in memory.
class MemoryDisks final : public leases::Disks {
public:
    Result<leases::DiskId> add(std::uint64_t size_bytes_max) override {
        const leases::DiskId id{static_cast<std::uint32_t>(disks_.size() + 1)};
        disks_.emplace(id, MemoryDisk(size_bytes_max));
        return id;
    }
    leases::Disk* find(leases::DiskId id) override {
        const auto found = disks_.find(id);
        return found == disks_.end() ? nullptr : &found->second;
    }
    std::vector<leases::DiskId> all() const override {
        std::vector<leases::DiskId> ids;
        for (const auto& [id, disk] : disks_)
            ids.push_back(id);
        return ids;
    }
    MemoryDisk& at(leases::DiskId id) { return disks_.at(id); }

private:
    std::map<leases::DiskId, MemoryDisk> disks_;
};

}  // namespace sojourn::test
