#include "store/internal/page_set.hpp"

#include <algorithm>

namespace sojourn::store {

bool PageSet::insert(PageRun pages) {
    bool is_new = true;
    for (std::uint64_t page = plain(pages.first); page < plain(pages.first) + pages.count; ++page) {
        auto bit = blocks_[page / kBlockPages][page % kBlockPages];
        is_new = is_new && !bit;
        bit = true;
    }
    return is_new;
}

bool PageSet::contains(PageNumber page) const {
    const auto block = blocks_.find(plain(page) / kBlockPages);
    return block != blocks_.end() && block->second[plain(page) % kBlockPages];
}

void PageSet::for_each_gap(const PageSet& one, const PageSet& other, PageNumber end,
                           const std::function<void(PageRun)>& visit) {
    // Whole blocks that neither has are stepped over.
    const auto has_block = [](const PageSet& set, std::uint64_t page) {
        return set.blocks_.contains(page / kBlockPages);
    };
    const auto block_behind = [&](const PageSet& set, std::uint64_t page) {
        const auto next = set.blocks_.upper_bound(page / kBlockPages);
        return next == set.blocks_.end() ? plain(end) : next->first * kBlockPages;
    };
    std::uint64_t gap = 0;
    const auto close = [&](std::uint64_t page) {
        if (page > gap) visit({PageNumber{gap}, page - gap});
        gap = page + 1;
    };
    for (std::uint64_t page = 0; page < plain(end);) {
        if (!has_block(one, page) && !has_block(other, page)) {
            page = std::min({block_behind(one, page), block_behind(other, page), plain(end)});
            continue;
        }
        if (one.contains(PageNumber{page}) || other.contains(PageNumber{page})) close(page);
        ++page;
    }
    close(plain(end));
}

}  // namespace sojourn::store
