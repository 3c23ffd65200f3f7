#include "heap/internal/unit_ledger.hpp"

namespace sojourn::heap {

Result<UnitLedger> UnitLedger::create(RegionId region, std::uint64_t reserve_bytes,
                                      std::uint64_t stored_bytes, std::uint64_t unit_bytes,
                                      const PageSource& source, ScratchFile* scratch) {
    const std::uint64_t units =
        scratch == nullptr ? 0 : (reserve_bytes + unit_bytes - 1) / unit_bytes;
    Mapping records = TRY(Mapping::zeros(units * sizeof(Record)));
    PageBitmap aside = TRY(PageBitmap::create(units));
    PageBitmap drafted = TRY(PageBitmap::create(units));
    return UnitLedger(region, stored_bytes, unit_bytes, source, scratch, std::move(records),
                      std::move(aside), std::move(drafted));
}

UnitLedger::UnitLedger(RegionId region, std::uint64_t stored_bytes, std::uint64_t unit_bytes,
                       const PageSource& source, ScratchFile* scratch, Mapping records,
                       PageBitmap aside, PageBitmap drafted)
    : region_(region),
      stored_bytes_(stored_bytes),
      unit_bytes_(unit_bytes),
      source_(&source),
      scratch_(scratch),
      fingerprint_of_(unit_bytes),
      records_(std::move(records)),
      aside_(std::move(aside)),
      drafted_(std::move(drafted)) {}

bool UnitLedger::is_zeros(store::UnitIndex unit) const {
    if (static_cast<std::uint64_t>(unit) * unit_bytes_ < stored_bytes_) return false;
    if (scratch_ == nullptr) return true;
    const Record& known = record(unit);
    return known.slot == kNoSlot && !known.is_stored;
}

Result<void> UnitLedger::read(store::UnitIndex unit, MutableBytes out) {
    TRY(look_at(unit, out));
    if (scratch_ == nullptr) return {};
    Record& known = record(unit);
    const Fingerprint found = fingerprint_of_(out);
    if (known.slot != kNoSlot && found != known.truth) {
        return fail(ErrorCode::corrupt,
                    "the scratch file gives back other bytes than it was given");
    }
    known.truth = found;
    return {};
}

Result<void> UnitLedger::look_at(store::UnitIndex unit, MutableBytes out) const {
    const ScratchSlot from = slot(unit);
    if (from != kNoSlot) return scratch_->read(from, out);
    if (scratch_ != nullptr && is_zeros(unit)) {
        std::fill(out.begin(), out.end(), std::byte{0});
        return {};
    }
    return source_->read({region_, unit}, out);
}

Result<void> UnitLedger::put_aside(store::UnitIndex unit, Bytes content) {
    Record& known = record(unit);
    const Fingerprint fingerprint = fingerprint_of_(content);
    if (!known.is_unsettled && fingerprint == known.truth) return {};
    const ScratchSlot slot = TRY(scratch_->write(content));
    set_slot(unit, slot);
    known.truth = fingerprint;
    return {};
}

void UnitLedger::append_aside(std::uint64_t unit_count, PageRuns& units) const {
    if (scratch_ != nullptr) aside_.append_runs(0, unit_count, units);
}

ScratchSlot UnitLedger::slot(store::UnitIndex unit) const {
    return scratch_ == nullptr ? kNoSlot : record(unit).slot;
}

ScratchSlot UnitLedger::share_slot(store::UnitIndex unit) {
    const ScratchSlot shared = slot(unit);
    scratch_->share(shared);
    return shared;
}

void UnitLedger::note_copied(store::UnitIndex unit) {
    if (scratch_ == nullptr) return;
    // What the slot holds is older than the copy, and must not be taken for the newest once the
    // mechanism counts the pages as clean.
    set_slot(unit, kNoSlot);
    record(unit).is_unsettled = true;
}

Result<ScratchSlot> UnitLedger::copy_aside(store::UnitIndex unit, Bytes content) {
    const ScratchSlot slot = TRY(scratch_->write(content));
    set_slot(unit, slot);
    record(unit).truth = fingerprint_of_(content);
    return share_slot(unit);
}

void UnitLedger::note_drafted(store::UnitIndex unit) {
    const auto index = static_cast<std::uint64_t>(unit);
    aside_.clear({index, 1});
    drafted_.set(index, 1);
}

void UnitLedger::forget_drafted(std::uint64_t unit_count) {
    if (scratch_ == nullptr) return;
    PageRuns drafted;
    drafted_.append_runs(0, unit_count, drafted);
    for (const PageRun& run : drafted) {
        drafted_.clear(run);
        aside_.set(run.first, run.count);
    }
}

void UnitLedger::settle(store::UnitIndex unit, const Fingerprint& published) {
    Record& known = record(unit);
    known.is_stored = true;
    known.is_unsettled = false;
    if (known.slot == kNoSlot) {
        known.truth = published;
    } else if (known.truth == published) {  // it is the slot's that was published, or the same
        set_slot(unit, kNoSlot);
    }
}

void UnitLedger::set_slot(store::UnitIndex unit, ScratchSlot slot) {
    Record& known = record(unit);
    if (known.slot != kNoSlot) scratch_->release(known.slot);
    known.slot = slot;
    known.is_unsettled = false;
    const auto index = static_cast<std::uint64_t>(unit);
    drafted_.clear({index, 1});
    if (slot != kNoSlot) {
        aside_.set(index, 1);
    } else {
        aside_.clear({index, 1});
    }
}

UnitLedger::Record& UnitLedger::record(store::UnitIndex unit) const {
    return reinterpret_cast<Record*>(records_.base())[static_cast<std::uint64_t>(unit)];
}

}  // namespace sojourn::heap
