#include "leases/volume/internal/names.hpp"

#include <algorithm>

#include "leases/volume/internal/name_block.hpp"

namespace sojourn::leases::volume {

namespace {

/// A directory doubles when more than this part of it would be used: three quarters.
constexpr std::uint64_t kFullParts = 3;
constexpr std::uint64_t kParts = 4;

/// 64-bit FNV-1a (Fowler, Noll, Vo), folded so that the low bits tell of all.
std::uint64_t hash_of(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : name) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return hash ^ hash >> 32U;
}

/// A name lies in one of so many blocks. More of them only fill up when names are made to collide.
constexpr std::uint64_t kProbedBlocksMax = 16;

/// Blocks in the order in which a name is looked for. `count` is a power of two.
class Probe {
public:
    Probe(std::string_view name, std::uint64_t count) : position_(hash_of(name)), count_(count) {}
    [[nodiscard]] bool is_done() const { return step_ == std::min(count_, kProbedBlocksMax); }
    [[nodiscard]] std::uint64_t block() const { return (position_ + step_) % count_; }
    void go_on() { ++step_; }

private:
    std::uint64_t position_;
    std::uint64_t count_;
    std::uint64_t step_ = 0;
};

std::uint64_t record_bytes_of(std::string_view name) {
    return kNameRecordBytes + name.size();
}

Answer<NameBlock> read_block(const BlockTree& tree, std::uint64_t position) {
    std::array<std::byte, kBlockBytes> bytes;
    TRY(tree.read(position * kBlockBytes, bytes));
    auto block = NameBlock::of(bytes);
    return block ? Answer<NameBlock>(*block) : Errno::io;
}

Name name_of(const NameBlock::Record& record) {
    return {std::string(record.name), record.inode, record.type};
}

/// Every name in a block where it belongs among `count`; none when they don't fit.
std::vector<NameBlock> distribute(const std::vector<Name>& names, std::uint64_t count) {
    if (count > kDirectoryBlocksMax) return {};
    std::vector<NameBlock> blocks(count);
    for (const Name& name : names) {
        Probe probe(name.name, count);
        for (; !probe.is_done() && !blocks[probe.block()].has_room_for(name.name); probe.go_on())
            blocks[probe.block()].set_overflowed();
        if (probe.is_done()) return {};
        blocks[probe.block()].add(name.name, name.inode, name.type);
    }
    return blocks;
}

}  // namespace

struct Names::Location {
    std::uint64_t block = 0;
    NameBlock content;
};

std::uint64_t Names::block_count() const {
    return directory_.size_bytes / kBlockBytes;
}

/// The block that has the name.
Answer<std::optional<Names::Location>> Names::locate(std::string_view name) const {
    for (Probe probe(name, block_count()); !probe.is_done(); probe.go_on()) {
        const NameBlock block = TRY(read_block(tree_, probe.block()));
        if (block.find(name)) return std::optional(Location{probe.block(), block});
        if (!block.has_overflowed()) break;
    }
    return std::optional<Location>();
}

Answer<std::optional<Name>> Names::find(std::string_view name) const {
    const auto location = TRY(locate(name));
    if (!location) return std::optional<Name>();
    return std::optional(name_of(*location->content.find(name)));
}

Answer<void> Names::add(const Name& name) {
    const std::uint64_t used = directory_.used_bytes + record_bytes_of(name.name);
    if (used * kParts > block_count() * kNameBlockBytes * kFullParts) TRY(rehash());
    for (;;) {
        const bool is_placed = TRY(place(name));
        if (is_placed) break;
        TRY(rehash());
    }
    directory_.used_bytes = used;
    return {};
}

/// False when there is no room where the name belongs.
Answer<bool> Names::place(const Name& name) {
    for (Probe probe(name.name, block_count()); !probe.is_done(); probe.go_on()) {
        NameBlock block = TRY(read_block(tree_, probe.block()));
        const bool has_room = block.has_room_for(name.name);
        const bool is_marked = block.has_overflowed();
        if (has_room) block.add(name.name, name.inode, name.type);
        if (!has_room) block.set_overflowed();
        if (has_room || !is_marked)
            TRY(tree_.write_whole(probe.block() * kBlockBytes, block.bytes()));
        if (has_room) return true;
    }
    return false;
}

Answer<void> Names::change(const Name& name) {
    auto location = TRY(locate(name.name));
    if (!location) return Errno::io;
    NameBlock& block = location->content;
    block.change(*block.find(name.name), name.inode, name.type);
    return tree_.write_whole(location->block * kBlockBytes, block.bytes());
}

Answer<void> Names::remove(std::string_view name) {
    auto location = TRY(locate(name));
    if (!location || directory_.used_bytes < record_bytes_of(name)) return Errno::io;
    NameBlock& block = location->content;
    block.remove(*block.find(name));
    TRY(tree_.write_whole(location->block * kBlockBytes, block.bytes()));
    directory_.used_bytes -= record_bytes_of(name);
    return {};
}

Answer<std::vector<Name>> Names::list(std::size_t count_max) const {
    std::vector<Name> names;
    for (std::uint64_t position = 0; position < block_count(); ++position) {
        const NameBlock block = TRY(read_block(tree_, position));
        block.for_each([&](const NameBlock::Record& record) {
            names.push_back(name_of(record));
            return names.size() <= count_max;
        });
        if (names.size() > count_max) return Errno::nomem;
    }
    return names;
}

/// Twice as many blocks, or more when that is too few, with every name where it belongs among them.
/// All or nothing.
Answer<void> Names::rehash() {
    const auto names = TRY(list(kDirectoryBlocksMax * kNameBlockBytes / kNameRecordBytes));
    std::uint64_t count = std::max<std::uint64_t>(1, block_count() * 2);
    auto blocks = distribute(names, count);
    while (count <= kDirectoryBlocksMax && blocks.empty()) {
        count *= 2;
        blocks = distribute(names, count);
    }
    if (count > kDirectoryBlocksMax) return Errno::nospc;
    TRY(tree_.reserve(0, count * kBlockBytes));
    for (std::uint64_t position = 0; position < count; ++position)
        TRY(tree_.write_whole(position * kBlockBytes, blocks[position].bytes()));
    directory_.size_bytes = count * kBlockBytes;
    return {};
}

}  // namespace sojourn::leases::volume
