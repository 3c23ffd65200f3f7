#pragma once

#include <optional>

#include "heap/internal/fingerprint.hpp"
#include "heap/internal/page_bitmap.hpp"
#include "heap/internal/page_source.hpp"
#include "heap/internal/scratch_file.hpp"

namespace sojourn::heap {

/// Where each unit of a region can be had from when it is not in memory: the *source of truth* is
/// a slot of the scratch file, or else the store at the heap's view, or else zeros.
///
/// Without a scratch file nothing ever leaves memory and nothing is noted. Whoever calls a function
/// with a unit has claimed its block, or nobody else runs. Borrows source and scratch.
class UnitLedger {
public:
    /// `stored_bytes`: from there on the store has nothing but zeros before the first publication.
    static Result<UnitLedger> create(RegionId region, std::uint64_t reserve_bytes,
                                     std::uint64_t stored_bytes, std::uint64_t unit_bytes,
                                     const PageSource& source, ScratchFile* scratch);

    /// Nothing needs to be read.
    [[nodiscard]] bool is_zeros(store::UnitIndex unit) const;
    /// Fills `out`, one unit, and notes what it was. Errors: corrupt, io.
    Result<void> read(store::UnitIndex unit, MutableBytes out);
    /// As read(), for one who only looks.
    Result<void> look_at(store::UnitIndex unit, MutableBytes out) const;

    /// `content` is about to leave memory: makes sure that the source of truth has it.
    /// Errors: as ScratchFile::write(); then the unit has to stay.
    Result<void> put_aside(store::UnitIndex unit, Bytes content);

    /// Appends the units whose newest content is in the scratch file, or was before it was brought
    /// back: what neither a version nor the draft of one has yet.
    void append_aside(std::uint64_t unit_count, PageRuns& units) const;
    /// Asks the processor for what is known of a unit that will be looked at soon.
    void announce(store::UnitIndex unit) const {
        if (scratch_ != nullptr) __builtin_prefetch(&record(unit), 1);
    }
    /// kNoSlot: none.
    [[nodiscard]] ScratchSlot slot(store::UnitIndex unit) const;

    // The next version takes a unit's content: where it lies, by a copy, or, when there is no room
    // for a copy, by writing it aside. Who takes becomes an owner of the slot that is returned.
    ScratchSlot share_slot(store::UnitIndex unit);
    void note_copied(store::UnitIndex unit);
    Result<ScratchSlot> copy_aside(store::UnitIndex unit, Bytes content);

    /// The draft of the next version has what is in the unit's slot.
    void note_drafted(store::UnitIndex unit);
    /// There is no draft any more.
    void forget_drafted(std::uint64_t unit_count);

    /// A version has the unit, as `published`.
    void settle(store::UnitIndex unit, const Fingerprint& published);

private:
    struct Record {
        /// Of what the source of truth has.
        Fingerprint truth;
        ScratchSlot slot;
        /// The store may have something, though it lies behind stored_bytes.
        bool is_stored;
        /// A copy was taken for a version that is not published: the store is about to change, so
        /// that `truth` says nothing.
        bool is_unsettled;
    };
    static_assert(sizeof(Record) == 24);

    UnitLedger(RegionId region, std::uint64_t stored_bytes, std::uint64_t unit_bytes,
               const PageSource& source, ScratchFile* scratch, Mapping records, PageBitmap aside,
               PageBitmap drafted);

    [[nodiscard]] Record& record(store::UnitIndex unit) const;
    void set_slot(store::UnitIndex unit, ScratchSlot slot);

    RegionId region_;
    std::uint64_t stored_bytes_;
    std::uint64_t unit_bytes_;
    const PageSource* source_;
    ScratchFile* scratch_;
    Fingerprinter fingerprint_of_;
    Mapping records_;     ///< zeros are the truth of a unit that was never written
    PageBitmap aside_;    ///< by unit: it has a slot, and the draft does not have what is in it
    PageBitmap drafted_;  ///< by unit: it has a slot, and the draft has what is in it
};

}  // namespace sojourn::heap
