#include "store/internal/database_page.hpp"

#include <algorithm>

namespace sojourn::store {

namespace {

/// In front of an entry's key.
struct NodeHeader {
    std::uint16_t low = 0;   ///< with `high` the length of the value, or with the flags as well
    std::uint16_t high = 0;  ///< the number of the page below
    std::uint16_t flags = 0;
    std::uint16_t key_bytes = 0;
};
static_assert(sizeof(NodeHeader) == 8);

template <typename Record>
Record record_at(Bytes page, std::size_t offset) {
    Record record;
    std::memcpy(&record, page.data() + offset, sizeof record);
    return record;
}

constexpr std::size_t even(std::size_t bytes) {
    return bytes + bytes % 2;
}

struct Extent {
    std::size_t begin = 0;
    std::size_t end = 0;
};

Error broken(PageNumber number, const char* what) {
    return fail(ErrorCode::corrupt, "page {} {}", plain(number), what);
}

Result<Extent> read_node(Bytes page, PageNumber number, PageKind kind, std::size_t offset,
                         PageNode& node) {
    if (offset % 2 != 0 || offset + sizeof(NodeHeader) > page.size()) {
        return broken(number, "has an entry outside of it");
    }
    const auto header = record_at<NodeHeader>(page, offset);
    const std::uint64_t low = std::uint64_t{header.high} << 16U | header.low;
    std::uint64_t inside = 0;
    if (kind == PageKind::branch) {
        node.child = PageNumber{std::uint64_t{header.flags} << 32U | low};
    } else {
        node.flags = header.flags;
        node.value_bytes = low;
        inside = (node.flags & PageNode::kIsLong) != 0 ? sizeof(PageNumber) : low;
    }
    const std::uint64_t end = offset + sizeof(NodeHeader) + header.key_bytes + inside;
    if (end > page.size()) return broken(number, "has an entry that is longer than it");
    node.key = page.subspan(offset + sizeof(NodeHeader), header.key_bytes);
    node.in_entry = page.subspan(offset + sizeof(NodeHeader) + header.key_bytes, inside);
    return Extent{offset, offset + even(end - offset)};
}

/// From `upper` to the end of the page, without a gap.
bool fill_room(std::vector<Extent> extents, std::size_t upper, std::size_t page_bytes) {
    std::ranges::sort(extents, {}, &Extent::begin);
    std::size_t at = upper;
    for (const Extent& extent : extents) {
        if (extent.begin != at) return false;
        at = extent.end;
    }
    return at == page_bytes;
}

}  // namespace

Result<std::vector<PageNode>> parse_page(Bytes page, PageNumber number, PageKind kind) {
    const auto header = record_at<PageHeader>(page, 0);
    if (header.number != number) return broken(number, "says that it is another one");
    if (header.kind != static_cast<std::uint16_t>(kind)) {
        return broken(number, "is of another kind than its place asks for");
    }
    const std::size_t upper = header.upper;
    if (header.lower <= kPageHeaderBytes || header.lower % 2 != 0 || header.lower > upper ||
        upper > page.size()) {
        return broken(number, "has impossible bounds");
    }
    std::vector<PageNode> nodes((header.lower - kPageHeaderBytes) / 2);
    std::vector<Extent> extents;
    for (std::size_t index = 0; index < nodes.size(); ++index) {
        const std::size_t offset = record_at<std::uint16_t>(page, kPageHeaderBytes + 2 * index);
        extents.push_back(TRY(read_node(page, number, kind, offset, nodes[index])));
    }
    if (fill_room(std::move(extents), upper, page.size())) return nodes;
    return broken(number, "has entries that lie over each other, or a gap between them");
}

}  // namespace sojourn::store
