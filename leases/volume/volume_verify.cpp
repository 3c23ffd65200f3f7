#include <map>
#include <set>

#include "leases/volume/internal/parts.hpp"
#include "leases/volume/volume.hpp"

namespace sojourn::leases {

using volume::BlockIndex;
using volume::Inode;
using volume::InodeType;

namespace {

constexpr std::size_t kComplaintsMax = 20;  // a volume of garbage would have millions

/// Walks a volume from its root, from its table of inodes, and from its bits, and compares.
class Verifier {
public:
    explicit Verifier(const Volume::Parts& parts) : parts_(parts) {}

    std::vector<std::string> run() {
        visit_tree("the table of inodes", parts_.blocks.superblock().inode_table);
        visit_inodes();
        visit_names();
        visit_free_inodes();
        compare_bits();
        return std::move(complaints_);
    }

private:
    template <typename... Args>
    void complain(fmt::format_string<Args...> format, Args&&... args) {
        if (complaints_.size() < kComplaintsMax)
            complaints_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    void visit_tree(const std::string& whose, const volume::TreeRoot& root) {
        if (root.root == volume::kNoBlock) return;
        if (root.height > volume::kTreeHeightMax)
            return complain("{} has a tree of height {}", whose, root.height);
        visit_block(whose, root.root, root.height);
    }

    /// A block belongs to one tree, at one place: so that this ends.
    void visit_block(const std::string& whose, BlockIndex block, std::uint32_t level) {
        const auto number = static_cast<std::uint32_t>(block);
        auto allocated = parts_.blocks.is_allocated(block);
        if (!allocated.ok()) return complain("{} has block {}", whose, number);
        if (!*allocated) complain("{} has block {}, which is free", whose, number);
        if (!blocks_.insert(block).second)
            return complain("{} has block {}, which belongs elsewhere", whose, number);
        if (level == 0) return;
        std::array<BlockIndex, volume::kPointersInBlock> pointers{};
        if (!parts_.blocks.read(block, 0, std::as_writable_bytes(std::span(pointers))).ok())
            return complain("block {} can't be read", number);
        for (const BlockIndex below : pointers) {
            if (below != volume::kNoBlock) visit_block(whose, below, level - 1);
        }
    }

    void visit_inodes() {
        for (std::uint32_t number = 1; number < parts_.blocks.superblock().inode_count; ++number) {
            const InodeIndex index{number};
            auto row = parts_.inodes.load_any(index);
            if (!row.ok()) {
                complain("inode {} can't be read", number);
            } else if (row->type == InodeType::free) {
                free_.insert(index);
            } else if (!is_sound(*row)) {
                complain("inode {} can't be", number);
            } else {
                inodes_[index] = *row;
                visit_tree(fmt::format("inode {}", number), row->content);
            }
        }
    }

    void visit_names() {
        std::map<InodeIndex, std::uint32_t> name_counts{{kRootInode, 1}};
        for (auto& [index, inode] : inodes_) {
            if (inode.type == InodeType::directory) visit_directory(index, inode, name_counts);
        }
        for (const auto& [index, inode] : inodes_) {
            const auto number = static_cast<std::uint32_t>(index);
            if (name_counts[index] != inode.link_count) {
                complain("inode {} has {} names and counts {}", number, name_counts[index],
                         inode.link_count);
            }
            if (inode.link_count == 0 && inode.open_count == 0)
                complain("inode {} has no name and is not open", number);
        }
    }

    void visit_directory(InodeIndex index, Inode& inode,
                         std::map<InodeIndex, std::uint32_t>& name_counts) {
        const auto number = static_cast<std::uint32_t>(index);
        const volume::Names names(parts_.blocks, inode);
        auto listed = names.list(kListedEntriesMax);
        if (!listed.ok()) return complain("directory {} can't be listed", number);
        std::uint64_t used_bytes = 0;
        for (const volume::Name& name : *listed) {
            used_bytes += volume::kNameRecordBytes + name.name.size();
            const auto found = inodes_.find(name.inode);
            if (found == inodes_.end() || found->second.type != name.type)
                complain("directory {} has '{}', which is nothing", number, name.name);
            auto again = names.find(name.name);
            if (!again.ok() || !*again || (**again).inode != name.inode)
                complain("directory {} does not find '{}'", number, name.name);
            if (found != inodes_.end() && name.type == InodeType::directory &&
                found->second.next != index)
                complain("'{}' does not know that it lies in directory {}", name.name, number);
            ++name_counts[name.inode];
        }
        if (used_bytes != inode.used_bytes) {
            complain("directory {} has {} bytes of records and counts {}", number, used_bytes,
                     inode.used_bytes);
        }
    }

    void visit_free_inodes() {
        const volume::Superblock& superblock = parts_.blocks.superblock();
        std::set<InodeIndex> listed;
        InodeIndex index = superblock.first_free_inode;
        while (index != volume::kNoInode && free_.contains(index) && listed.insert(index).second) {
            auto row = parts_.inodes.load_any(index);
            index = row.ok() ? row->next : volume::kNoInode;
        }
        if (index != volume::kNoInode || listed != free_ ||
            listed.size() != superblock.free_inode_count)
            complain("{} inodes are free, {} are listed, {} are counted", free_.size(),
                     listed.size(), superblock.free_inode_count);
    }

    void compare_bits() {
        const volume::Superblock& superblock = parts_.blocks.superblock();
        std::uint32_t free_count = 0;
        for (std::uint32_t number = 1; number < superblock.block_count; ++number) {
            const BlockIndex block{number};
            if (!parts_.blocks.is_content(block)) continue;
            auto allocated = parts_.blocks.is_allocated(block);
            if (allocated.ok() && *allocated && !blocks_.contains(block))
                complain("block {} belongs to nothing", number);
            if (allocated.ok() && !*allocated) ++free_count;
        }
        if (free_count != superblock.free_block_count)
            complain("{} blocks are free, {} are counted", free_count, superblock.free_block_count);
    }

    const Volume::Parts& parts_;
    std::vector<std::string> complaints_;
    std::set<BlockIndex> blocks_;
    std::map<InodeIndex, Inode> inodes_;
    std::set<InodeIndex> free_;
};

}  // namespace

std::vector<std::string> Volume::verify() const {
    return Verifier(*parts_).run();
}

}  // namespace sojourn::leases
