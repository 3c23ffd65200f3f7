#pragma once

#include "store/image.hpp"

/// What an image is put into: a process that is made for it, or one that has the base of a
/// difference.
namespace sojourn::store {

class ImageTarget {
public:
    /// Without a draft the process is one that others see. Borrows the store's family.
    ImageTarget(std::shared_ptr<Family> family, ProcessRecord process,
                std::unique_ptr<ProcessDraft> draft)
        : family_(std::move(family)), before_(std::move(process)), draft_(std::move(draft)) {}

    /// The checkpoint of the process with this identity, if it has it.
    Result<std::optional<Version>> find(std::uint64_t time_us, const Sha256& identity) const;

    /// A number for a checkpoint that grows out of `parent`; kNoVersion: out of nothing.
    Result<Version> begin(Version parent);
    Result<void> stage(Version version, std::span<const EncodedUnit> units);
    Result<void> publish(const CheckpointInfo& info, Bytes attachment);

    /// Gives a checkpoint of the process a tag, unless another one of it has that.
    Result<void> tag(Version checkpoint, const std::string& name);

    /// Lets the process stand at `head`, and gives what is needed to look at it.
    Result<FencingToken> settle(Version head);
    /// Shows the process, suspended where it has been settled, or as it was.
    Result<ProcessRecord> finish();
    [[nodiscard]] const std::shared_ptr<Family>& family() const { return family_; }
    /// Makes all that was done undone.
    Result<void> take_back();

private:
    Result<void> stand_at(Version checkpoint);

    std::shared_ptr<Family> family_;
    ProcessRecord before_;  ///< the process before anything was done
    std::unique_ptr<ProcessDraft> draft_;
    FencingToken token_;
    Version head_ = kNoVersion;  ///< where the process stands, once the token has been taken
    std::optional<Version> begun_;
    std::vector<Version> published_;
    std::vector<std::pair<Version, std::string>> tagged_;
};

/// A process that nobody sees yet. Errors: as Store::draft_process().
Result<std::unique_ptr<ImageTarget>> make_new_target(Store& store, const ImageHeader& header,
                                                     const ImportOptions& options);

struct BaseFound {
    std::unique_ptr<ImageTarget> target;
    Version base;  ///< its number here
};

/// The process that a difference is for, after the caller has taken hold of it.
/// Errors: not_found, which says who has the base, or what to do.
Result<BaseFound> find_base(Store& store, const ImageHeader& header, const ImportOptions& options);

}  // namespace sojourn::store
