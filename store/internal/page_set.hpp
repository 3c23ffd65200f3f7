#pragma once

#include <bitset>
#include <functional>
#include <map>

#include "store/internal/database_file.hpp"

namespace sojourn::store {

/// Pages of a database. What is between those that are in it takes no memory, however far they are
/// apart.
class PageSet {
public:
    /// False when one of them was in it before.
    bool insert(PageRun pages);
    [[nodiscard]] bool contains(PageNumber page) const;

    /// Calls `visit` with each longest run of pages below `end` that are in neither set.
    static void for_each_gap(const PageSet& one, const PageSet& other, PageNumber end,
                             const std::function<void(PageRun)>& visit);

private:
    static constexpr std::uint64_t kBlockPages = 32768;
    using Block = std::bitset<kBlockPages>;

    std::map<std::uint64_t, Block> blocks_;
};

}  // namespace sojourn::store
