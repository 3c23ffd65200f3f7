#pragma once

#include <vector>

#include "store/internal/database_file.hpp"

namespace sojourn::store {

inline constexpr std::size_t kPageHeaderBytes = 16;

enum class PageKind : std::uint16_t { branch = 1, leaf = 2, overflow = 4 };

/// How every page of a tree, and the first one of a long value, begins.
struct PageHeader {
    PageNumber number{0};
    std::uint16_t padding = 0;
    std::uint16_t kind = 0;
    std::uint16_t lower = 0;  ///< where the free space begins; with `upper` the number of pages of
    std::uint16_t upper = 0;  ///< a long value

    [[nodiscard]] std::uint64_t overflow_pages() const {
        return std::uint64_t{upper} << 16U | lower;
    }
};
static_assert(sizeof(PageHeader) == kPageHeaderBytes);

/// An entry of a leaf, or a way down from a branch.
struct PageNode {
    Bytes key;
    PageNumber child{0};      ///< of a branch
    std::uint16_t flags = 0;  ///< of a leaf, as what follows
    Bytes in_entry;           ///< the value, or the number of its first page
    std::uint64_t value_bytes = 0;

    static constexpr std::uint16_t kIsLong = 1;
    static constexpr std::uint16_t kIsTable = 2;
};

/// The entries of a page, in its order. They are views into `page`. Errors: corrupt: it is not page
/// `number`, not of that kind, or its entries do not fill exactly the room that they claim.
Result<std::vector<PageNode>> parse_page(Bytes page, PageNumber number, PageKind kind);

}  // namespace sojourn::store
