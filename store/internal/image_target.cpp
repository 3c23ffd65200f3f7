#include "store/internal/image_target.hpp"

#include <algorithm>

#include "store/internal/keys.hpp"

namespace sojourn::store {

namespace {

Result<std::optional<Version>> find_checkpoint(const Family& family, ProcessId process,
                                               std::uint64_t time_us, const Sha256& identity) {
    for (const CheckpointInfo& info : TRY(family.checkpoints(process))) {
        if (info.time_us != time_us) continue;
        const Sha256 found = TRY(checkpoint_identity(family, info.id));
        if (found == identity) return std::optional(info.id);
    }
    return std::optional<Version>();
}

/// The names of the processes that have the base, as a remedy.
std::string who_has(Store& store, const ImageBase& base) {
    const auto processes = store.listed();
    if (!processes.ok()) return "";
    for (const ProcessRecord& process : *processes) {
        const auto family = store.family(process.family);
        if (!family.ok()) continue;
        const auto found = find_checkpoint(**family, process.id, base.time_us, base.identity);
        if (!found.ok() || !*found) continue;
        return process.name.empty() ? process.id.hex() : process.name;
    }
    return "";
}

Error no_base(Store& store, const ImageBase& base, const std::string& name) {
    const std::string holder = who_has(store, base);
    const std::string remedy =
        holder.empty() ? "import an image first that has it, or have one exported without --since"
                       : "vm import --name " + holder;
    return fail(ErrorCode::not_found,
                "the image is a difference from checkpoint {} ({}) of where it was made, which {} "
                "has not: {}",
                plain(base.version), base.identity.hex().substr(0, 12),
                name.empty() ? "an unnamed process" : name, remedy);
}

}  // namespace

Result<std::optional<Version>> ImageTarget::find(std::uint64_t time_us,
                                                 const Sha256& identity) const {
    if (draft_ != nullptr) return std::optional<Version>();
    return find_checkpoint(*family_, before_.id, time_us, identity);
}

Result<void> ImageTarget::stand_at(Version checkpoint) {
    const bool has_token = token_.epoch != Epoch{0};
    if (has_token && checkpoint == head_) return {};
    const auto from = checkpoint == kNoVersion ? std::nullopt : std::optional(checkpoint);
    token_ = TRY(family_->acquire(before_.id, from));
    head_ = checkpoint;
    return {};
}

Result<Version> ImageTarget::begin(Version parent) {
    TRY(stand_at(parent));
    begun_ = TRY(family_->reserve(token_));
    return *begun_;
}

Result<void> ImageTarget::stage(Version version, std::span<const EncodedUnit> units) {
    return family_->stage(token_, version, units);
}

Result<void> ImageTarget::publish(const CheckpointInfo& info, Bytes attachment) {
    Publication publication;
    publication.info = info;
    publication.attachment = attachment;
    publication.state_after = ProcessState::suspended;
    TRY(family_->publish(token_, publication));
    begun_.reset();
    published_.push_back(info.id);
    head_ = info.id;
    return info.durable_us == 0 ? Result<void>() : family_->note_durable(info.id, info.durable_us);
}

Result<void> ImageTarget::tag(Version checkpoint, const std::string& name) {
    const auto info = TRY(family_->checkpoint(checkpoint));
    if (std::ranges::find(info.tags, name) != info.tags.end()) return {};
    const auto set = family_->set_tag(checkpoint, name, /*moves=*/false);
    if (set.ok()) {
        tagged_.emplace_back(checkpoint, name);
    } else if (set.error().code != ErrorCode::already_exists) {
        return set;
    }
    return {};
}

Result<FencingToken> ImageTarget::settle(Version head) {
    TRY(stand_at(head));
    return token_;
}

Result<ProcessRecord> ImageTarget::finish() {
    const bool was_touched = token_.epoch != Epoch{0};
    if (was_touched) TRY(family_->set_state(token_, ProcessState::suspended, 0));
    if (draft_ != nullptr) TRY(draft_->publish());
    return family_->process(before_.id);
}

Result<void> ImageTarget::take_back() {
    if (draft_ != nullptr) return {};
    for (const auto& [checkpoint, name] : tagged_)
        TRY(family_->remove_tag(checkpoint, name));
    const bool was_touched = token_.epoch != Epoch{0};
    if (!was_touched) return {};
    if (begun_) TRY(family_->abandon(token_, *begun_));
    TRY(stand_at(before_.head));
    for (auto version = published_.rbegin(); version != published_.rend(); ++version)
        TRY(family_->remove_checkpoint(*version));
    return family_->set_state(token_, before_.state, before_.exit_code);
}

Result<std::unique_ptr<ImageTarget>> make_new_target(Store& store, const ImageHeader& header,
                                                     const ImportOptions& options) {
    NewProcess process;
    process.name = options.name.empty() ? header.process_name : options.name;
    process.generation = header.generation + 1;
    auto draft = TRY(store.draft_process(process));
    auto family = draft->family();
    const ProcessRecord record = draft->record();
    return std::make_unique<ImageTarget>(std::move(family), record, std::move(draft));
}

Result<BaseFound> find_base(Store& store, const ImageHeader& header, const ImportOptions& options) {
    const ImageBase& base = header.base.value();
    const std::string& name = options.name.empty() ? header.process_name : options.name;
    const auto named = store.find_process(name);
    if (!named.ok()) {
        return named.error().code == ErrorCode::not_found ? no_base(store, base, name)
                                                          : named.error();
    }
    if (options.hold) TRY(options.hold(*named));
    const auto family = TRY(store.family(named->family));
    const ProcessRecord process = TRY(family->process(named->id));
    const auto found = TRY(find_checkpoint(*family, process.id, base.time_us, base.identity));
    if (!found) return no_base(store, base, name);
    return BaseFound{std::make_unique<ImageTarget>(family, process, nullptr), *found};
}

}  // namespace sojourn::store
