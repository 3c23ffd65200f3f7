#include "store/internal/database_tree.hpp"

#include <algorithm>

#include "store/internal/database_page.hpp"

namespace sojourn::store {

namespace {

constexpr unsigned kDepthMax = 32;
constexpr std::uint64_t kValueBytesMax = UINT32_MAX;

/// The keys below a page: from `first`, and in front of `end` when there is one.
struct Bounds {
    Bytes first;
    std::optional<Bytes> end;
};

struct Counts {
    std::uint64_t branch_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;

    bool operator==(const Counts&) const = default;
};

class TreeWalk {
public:
    TreeWalk(const DatabaseFile& file, const TableRecord& table, KeyOrder order,
             TreeVisitor& visitor)
        : file_(file), table_(table), order_(order), visitor_(visitor) {}

    Result<void> run() {
        if (table_.root != kNoPage && (table_.depth == 0 || table_.depth > kDepthMax)) {
            visitor_.on_lost({}, std::nullopt);
            visitor_.on_damage(fmt::format("a table claims to be {} pages deep", table_.depth));
            return {};
        }
        if (table_.root != kNoPage) TRY(descend(table_.root, 1, {}));
        const Counts claimed{table_.branch_pages, table_.leaf_pages, table_.overflow_pages,
                             table_.entries};
        if (counts_ == claimed || is_damaged_) return {};
        damaged("a table has not what its record says");
        visitor_.on_lost({}, std::nullopt);
        return {};
    }

private:
    Result<void> descend(PageNumber number, unsigned level, const Bounds& bounds);
    Result<std::optional<std::vector<PageNode>>> nodes_of(PageNumber number, PageKind kind,
                                                          MutableBytes page);
    Result<void> visit_children(const std::vector<PageNode>& nodes, unsigned level,
                                const Bounds& bounds);
    Result<void> visit_entries(const std::vector<PageNode>& nodes);
    Result<std::optional<StoredValue>> value_of(const PageNode& node);
    Result<std::optional<StoredValue>> long_value(const PageNode& node);
    [[nodiscard]] bool less(Bytes left, Bytes right) const;
    [[nodiscard]] bool are_keys_right(std::span<const PageNode> nodes, const Bounds& bounds) const;

    void damaged(const std::string& what) {
        is_damaged_ = true;
        visitor_.on_damage(what);
    }

    /// Damage is told and passed over; anything else ends the walk.
    Result<bool> holds(const Result<void>& result) {
        if (result.ok()) return true;
        if (result.error().code != ErrorCode::corrupt) return result.error();
        damaged(result.error().message);
        return false;
    }

    bool may_read(PageRun pages) {
        const bool may = visitor_.on_pages(pages);
        is_damaged_ = is_damaged_ || !may;
        return may;
    }

    const DatabaseFile& file_;
    const TableRecord& table_;
    KeyOrder order_;
    TreeVisitor& visitor_;
    Counts counts_;
    bool is_damaged_ = false;
};

/// Of a key that may be shorter, or none at all.
std::uint64_t number_of(Bytes key) {
    std::uint64_t number = 0;
    const Bytes known = key.first(std::min(key.size(), sizeof(number)));
    std::ranges::copy(known, std::as_writable_bytes(std::span(&number, 1)).begin());
    return number;
}

/// Where a long value lies.
PageNumber first_page_of(const PageNode& node) {
    PageNumber first{0};
    std::memcpy(&first, node.in_entry.data(), sizeof first);
    return first;
}

bool TreeWalk::less(Bytes left, Bytes right) const {
    if (order_ == KeyOrder::bytes) return std::ranges::lexicographical_compare(left, right);
    return number_of(left) < number_of(right);
}

bool TreeWalk::are_keys_right(std::span<const PageNode> nodes, const Bounds& bounds) const {
    const Bytes* previous = nullptr;
    for (const PageNode& node : nodes) {
        if (order_ == KeyOrder::numbers && node.key.size() != sizeof(std::uint64_t)) return false;
        if (previous == nullptr ? less(node.key, bounds.first) : !less(*previous, node.key)) {
            return false;
        }
        if (bounds.end && !less(node.key, *bounds.end)) return false;
        previous = &node.key;
    }
    return true;
}

Result<void> TreeWalk::descend(PageNumber number, unsigned level, const Bounds& bounds) {
    const bool is_leaf = level == table_.depth;
    ++(is_leaf ? counts_.leaf_pages : counts_.branch_pages);
    ByteVector page(file_.page_bytes());
    const auto nodes = TRY(nodes_of(number, is_leaf ? PageKind::leaf : PageKind::branch, page));
    if (!nodes) {
        visitor_.on_lost(bounds.first, bounds.end);
        return {};
    }
    // The first key of a branch is never compared with.
    const auto compared = std::span(*nodes).subspan(is_leaf ? 0 : 1);
    if (!are_keys_right(compared, bounds)) {
        damaged(fmt::format("page {} has keys that do not belong there", plain(number)));
        visitor_.on_lost(bounds.first, bounds.end);
    }
    return is_leaf ? visit_entries(*nodes) : visit_children(*nodes, level, bounds);
}

Result<std::optional<std::vector<PageNode>>> TreeWalk::nodes_of(PageNumber number, PageKind kind,
                                                                MutableBytes page) {
    const std::optional<std::vector<PageNode>> none;
    if (!may_read({number, 1})) return none;
    if (!TRY(holds(file_.read(number, page)))) return none;
    auto nodes = parse_page(page, number, kind);
    if (nodes.ok()) return std::optional(*std::move(nodes));
    damaged(nodes.error().message);
    return none;
}

Result<void> TreeWalk::visit_children(const std::vector<PageNode>& nodes, unsigned level,
                                      const Bounds& bounds) {
    for (const PageNode& node : nodes)
        file_.announce(node.child);
    for (std::size_t index = 0; index < nodes.size(); ++index) {
        Bounds below = bounds;
        if (index > 0) below.first = nodes[index].key;
        if (index + 1 < nodes.size()) below.end = nodes[index + 1].key;
        TRY(descend(nodes[index].child, level + 1, below));
    }
    return {};
}

Result<void> TreeWalk::visit_entries(const std::vector<PageNode>& nodes) {
    for (const PageNode& node : nodes) {
        if ((node.flags & PageNode::kIsLong) != 0) file_.announce(first_page_of(node));
    }
    for (const PageNode& node : nodes) {
        ++counts_.entries;
        const auto value = TRY(value_of(node));
        if (!value) {
            visitor_.on_lost(node.key, node.key);
            continue;
        }
        TRY(visitor_.on_entry(node.key, *value, (node.flags & PageNode::kIsTable) != 0));
    }
    return {};
}

Result<std::optional<StoredValue>> TreeWalk::value_of(const PageNode& node) {
    if ((node.flags & PageNode::kIsLong) != 0) return long_value(node);
    return std::optional(StoredValue{node.in_entry, std::nullopt, node.value_bytes});
}

Result<std::optional<StoredValue>> TreeWalk::long_value(const PageNode& node) {
    PageRun pages{.first = first_page_of(node)};
    PageHeader header;
    const std::optional<StoredValue> none;
    const auto read = file_.read(pages.first, std::as_writable_bytes(std::span(&header, 1)));
    if (!TRY(holds(read))) return none;
    pages.count = header.overflow_pages();
    counts_.overflow_pages += pages.count;
    const bool is_right = header.number == pages.first &&
                          header.kind == static_cast<std::uint16_t>(PageKind::overflow) &&
                          pages.count <= kValueBytesMax / file_.page_bytes() + 1 &&
                          pages.count * file_.page_bytes() >= node.value_bytes + kPageHeaderBytes;
    if (!is_right) {
        damaged(fmt::format("page {} does not begin a long value", plain(pages.first)));
        return none;
    }
    if (!may_read(pages)) return none;
    return std::optional(StoredValue{{}, pages, node.value_bytes});
}

}  // namespace

Result<void> walk_table(const DatabaseFile& file, const TableRecord& table, KeyOrder order,
                        TreeVisitor& visitor) {
    return TreeWalk(file, table, order, visitor).run();
}

}  // namespace sojourn::store
