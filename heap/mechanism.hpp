#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "heap/types.hpp"

/// How pages are faulted in and writes noticed: one interface, three ways to the same end. They
/// differ in what the kernel must offer and in what a fault costs, never in what a guest sees.
namespace sojourn::heap {

/// Pages [first, first + count) of a region.
struct PageRun {
    std::uint64_t first;
    std::uint64_t count;

    bool operator==(const PageRun&) const = default;
};

/// Sorted, apart from each other, none empty.
using PageRuns = std::vector<PageRun>;

enum class AfterCollect {
    track_afresh,  ///< the pages count as clean from here on
    leave_dirty,   ///< only looked at
};

/// What the caller of collect_dirty() knows of a range: looking where nothing is missing is
/// cheaper.
enum class Missing { none, some };

/// The address range of one region. A page is *inaccessible*, then *missing* (touching it raises
/// a signal), then *clean* (reads go through, the first write is noticed) or *dirty*.
///
/// All but extend() and collect_dirty() run in fault handlers: they allocate nothing unless they
/// fail, take no lock, and may be called from any number of threads for different blocks, unless
/// they say otherwise.
/// Offsets and lengths are bytes and multiples of kPageBytes.
class TrackedRange {
public:
    virtual ~TrackedRange() = default;

    [[nodiscard]] std::byte* base() const { return base_; }

    /// Turns [from, to) from inaccessible to missing. Errors: out_of_memory.
    virtual Result<void> extend(std::uint64_t from, std::uint64_t to) = 0;

    /// Turns missing pages into clean ones that hold `bytes`. No other thread ever sees a page of
    /// them half-filled. Errors: out_of_memory.
    virtual Result<void> install(std::uint64_t offset, Bytes bytes) = 0;
    /// As install(), with zeros.
    virtual Result<void> install_zeros(std::uint64_t offset, std::uint64_t length) = 0;

    /// Turns clean pages into dirty ones where the kernel does not do so by itself.
    virtual Result<void> allow_writes(std::uint64_t offset, std::uint64_t length) = 0;

    /// Appends the dirty pages of a range to `runs`, in order. After an error `runs` holds every
    /// page that is not tracked as dirty any more.
    /// Others may write meanwhile, and find the pages clean afterwards: what they write before the
    /// end of this call is there for its caller to read, what they write later is noticed.
    /// Requires, with track_afresh: nobody else opens or takes out pages of the range meanwhile.
    virtual Result<void> collect_dirty(std::uint64_t offset, std::uint64_t length, Missing missing,
                                       AfterCollect after, PageRuns& runs) = 0;

    /// Another version has been made of [0, length): what was not written for some may become
    /// dearer to write first and cheaper to look at. Where `is_pinned(offset, length)`, all stays
    /// as it is. Others may write meanwhile; does not run in fault handlers.
    using IsPinned = std::function<bool(std::uint64_t offset, std::uint64_t length)>;
    virtual void cool_down(std::uint64_t /*length*/, const IsPinned& /*is_pinned*/) {}

    /// Ends all writing to clean and dirty pages in one step and returns what they hold, at another
    /// address, until let_go() or put_back() of the same pages. One of these must follow before
    /// anything else is taken out of a range of the same mechanism. Empty: the kernel needs the
    /// pages, and all is as it was. Requires: at most kUnitBytesMax, which nobody else installs,
    /// opens or takes out meanwhile.
    virtual Bytes take_out(std::uint64_t offset, std::uint64_t length) = 0;
    /// The pages are missing from now on, and their memory is given back.
    virtual void let_go(std::uint64_t offset, std::uint64_t length) = 0;
    /// The pages are there again: dirty if they were, or all of them.
    virtual void put_back(std::uint64_t offset, std::uint64_t length) = 0;

protected:
    explicit TrackedRange(std::byte* base) : base_(base) {}

    std::byte* base_;
};

/// The mechanism of one heap. Ranges keep it alive no longer than the heap does.
class Mechanism {
public:
    /// Requires: choose_mechanism() said that `kind` works here.
    static Result<std::unique_ptr<Mechanism>> open(MechanismKind kind);
    virtual ~Mechanism() = default;

    [[nodiscard]] virtual MechanismKind kind() const = 0;

    /// How much is paged in as a whole, and how much becomes dirty by one write: what the number
    /// of mappings that the kernel grants allows. At most kUnitBytesMax.
    [[nodiscard]] virtual std::uint64_t fill_bytes(std::uint64_t unit_bytes) const = 0;
    [[nodiscard]] virtual std::uint64_t write_bytes() const = 0;

    /// An inaccessible range, followed by a guard. It borrows the mechanism.
    /// Errors: out_of_memory.
    virtual Result<std::unique_ptr<TrackedRange>> reserve(std::uint64_t reserve_bytes) = 0;
};

/// What follows each reservation, never accessible.
inline constexpr std::uint64_t kGuardBytes = std::uint64_t{64} << 10U;

}  // namespace sojourn::heap
