#include "heap/internal/page_bitmap.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

namespace sojourn::heap {

namespace {

constexpr std::uint64_t kWordBits = 64;

/// The bits of pages [first, first + count) that lie in the word of `first`.
std::uint64_t mask_of(std::uint64_t first, std::uint64_t count) {
    const std::uint64_t bits = std::min(count, kWordBits - first % kWordBits);
    const std::uint64_t ones =
        bits == kWordBits ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    return ones << (first % kWordBits);
}

/// Calls `visit(first_page_of_word, mask)` for each word that [first, first + count) touches.
template <typename Visit>
void for_each_word(std::uint64_t first, std::uint64_t count, const Visit& visit) {
    while (count > 0) {
        const std::uint64_t pages = std::min(count, kWordBits - first % kWordBits);
        visit(first - first % kWordBits, mask_of(first, count));
        first += pages;
        count -= pages;
    }
}

}  // namespace

Result<PageBitmap> PageBitmap::create(std::uint64_t page_count) {
    Mapping words =
        TRY(Mapping::zeros((page_count + kWordBits - 1) / kWordBits * sizeof(std::uint64_t)));
    return PageBitmap(std::move(words));
}

std::uint64_t* PageBitmap::word_of(std::uint64_t page) const {
    return reinterpret_cast<std::uint64_t*>(words_.base()) + page / kWordBits;
}

void PageBitmap::set(std::uint64_t first, std::uint64_t count) {
    for_each_word(first, count, [this](std::uint64_t page, std::uint64_t mask) {
        std::atomic_ref(*word_of(page)).fetch_or(mask, std::memory_order_relaxed);
    });
}

void PageBitmap::clear(const PageRun& run) {
    for_each_word(run.first, run.count, [this](std::uint64_t page, std::uint64_t mask) {
        std::atomic_ref(*word_of(page)).fetch_and(~mask, std::memory_order_relaxed);
    });
}

void PageBitmap::append_runs(std::uint64_t first, std::uint64_t count, PageRuns& runs) const {
    PageRun open{0, 0};
    for_each_word(first, count, [&](std::uint64_t page, std::uint64_t mask) {
        std::uint64_t bits = std::atomic_ref(*word_of(page)).load(std::memory_order_relaxed) & mask;
        while (bits != 0) {
            const auto start = static_cast<std::uint64_t>(std::countr_zero(bits));
            const auto length = static_cast<std::uint64_t>(std::countr_one(bits >> start));
            if (open.count > 0 && open.first + open.count == page + start) {
                open.count += length;
            } else {
                if (open.count > 0) runs.push_back(open);
                open = {page + start, length};
            }
            bits &= ~mask_of(start, length);
        }
    });
    if (open.count > 0) runs.push_back(open);
}

}  // namespace sojourn::heap
