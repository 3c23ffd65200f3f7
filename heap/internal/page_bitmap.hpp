#pragma once

#include "heap/internal/mapping.hpp"
#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// One bit a page, for as many pages as a region may ever have; untouched parts cost nothing.
/// set() may be called from any number of threads and from the fault handler.
class PageBitmap {
public:
    static Result<PageBitmap> create(std::uint64_t page_count);

    void set(std::uint64_t first, std::uint64_t count);
    /// Appends the runs of set bits in [first, first + count), in order.
    void append_runs(std::uint64_t first, std::uint64_t count, PageRuns& runs) const;
    /// Requires: no set() of the same pages meanwhile.
    void clear(const PageRun& run);

private:
    explicit PageBitmap(Mapping words) : words_(std::move(words)) {}
    [[nodiscard]] std::uint64_t* word_of(std::uint64_t page) const;

    Mapping words_;
};

}  // namespace sojourn::heap
