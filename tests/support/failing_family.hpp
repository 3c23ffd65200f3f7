#pragma once

#include <algorithm>
#include <functional>

#include "store/family.hpp"

namespace sojourn::tests {

/// A family that refuses what a test tells it to and hands everything else to a real one.
class FailingFamily final : public store::Family {
public:
    explicit FailingFamily(std::shared_ptr<store::Family> real) : real_(std::move(real)) {}

    bool refuses_stage = false;
    bool refuses_publish = false;
    bool publishes_and_says_no = false;  ///< as a disk does that fails behind the last write
    bool refuses_abandon = false;
    /// The unit whose reading says `corrupt`.
    std::optional<store::UnitKey> damaged_unit;

    /// Keys given to stage() and publish() since the last clear, refused or not.
    std::vector<store::UnitKey> written_keys;
    std::size_t stage_calls = 0;

    Result<void> stage(store::FencingToken token, store::Version version,
                       std::span<const store::EncodedUnit> units) override {
        ++stage_calls;
        note(units);
        if (refuses_stage) return fail(ErrorCode::store_full, "refused by the test");
        return real_->stage(token, version, units);
    }
    Result<void> publish(store::FencingToken token,
                         const store::Publication& publication) override {
        note(publication.units);
        if (refuses_publish) return fail(ErrorCode::store_full, "refused by the test");
        TRY(real_->publish(token, publication));
        if (publishes_and_says_no) return fail(ErrorCode::io, "refused by the test");
        return {};
    }
    Result<store::UnitState> read_unit(store::View view, store::UnitKey key,
                                       MutableBytes out) const override {
        if (damaged_unit == key) return fail(ErrorCode::corrupt, "damaged by the test");
        return real_->read_unit(view, key, out);
    }

    Result<store::ProcessRecord> process(store::ProcessId id) const override {
        return real_->process(id);
    }
    Result<store::FencingToken> acquire(store::ProcessId id,
                                        std::optional<store::Version> from) override {
        return real_->acquire(id, from);
    }
    Result<store::Version> reserve(store::FencingToken token) override {
        return real_->reserve(token);
    }
    Result<void> abandon(store::FencingToken token, store::Version version) override {
        if (refuses_abandon) return fail(ErrorCode::store_full, "refused by the test");
        return real_->abandon(token, version);
    }
    Result<void> set_state(store::FencingToken token, store::ProcessState state,
                           std::int32_t exit_code) override {
        return real_->set_state(token, state, exit_code);
    }
    Result<void> note_durable(store::Version version, std::uint64_t durable_us) override {
        return real_->note_durable(version, durable_us);
    }
    Result<store::View> view_of(store::ProcessId id) const override { return real_->view_of(id); }
    Result<store::View> view_of(store::Version checkpoint) const override {
        return real_->view_of(checkpoint);
    }
    Result<ByteVector> read_attachment(store::Version checkpoint) const override {
        return real_->read_attachment(checkpoint);
    }
    Result<store::CheckpointInfo> checkpoint(store::Version id) const override {
        return real_->checkpoint(id);
    }
    Result<std::vector<store::CheckpointInfo>> checkpoints(store::ProcessId id) const override {
        return real_->checkpoints(id);
    }
    Result<void> for_each_unit(
        store::View view,
        const std::function<Result<void>(store::UnitKey key, Bytes value)>& visit) const override {
        return real_->for_each_unit(view, visit);
    }
    Result<void> remove_checkpoint(store::Version id) override {
        return real_->remove_checkpoint(id);
    }
    Result<void> set_tag(store::Version checkpoint, const std::string& tag, bool moves) override {
        return real_->set_tag(checkpoint, tag, moves);
    }
    Result<void> remove_tag(store::Version checkpoint, const std::string& tag) override {
        return real_->remove_tag(checkpoint, tag);
    }
    Result<void> prune(store::Version id, std::optional<store::FencingToken> owner) override {
        return real_->prune(id, owner);
    }
    Result<std::uint64_t> bytes_freed_by(const store::Removal& removal) const override {
        return real_->bytes_freed_by(removal);
    }
    Result<std::vector<std::string>> verify() const override { return real_->verify(); }

private:
    void note(std::span<const store::EncodedUnit> units) {
        for (const store::EncodedUnit& unit : units)
            written_keys.push_back(unit.key);
    }

    std::shared_ptr<store::Family> real_;
};

}  // namespace sojourn::tests
