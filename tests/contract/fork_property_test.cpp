#include <algorithm>
#include <iostream>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "store/usage.hpp"
#include "tests/contract/memory_model.hpp"
#include "tests/support/seed.hpp"

/// Random histories of a family whose members come and go, against a model that keeps a whole copy
/// of memory for each checkpoint. Repeat one with `SOJOURN_SEED=n contract "[family]"`.
using namespace sojourn;
using namespace sojourn::store;

namespace {

struct Member {
    FencingToken token;
    Version head = kNoVersion;
    Memory now;
};

struct Kept {
    Memory memory;
    ProcessId owner;
    std::set<std::string> tags = {};
};

class FamilyHistory {
public:
    FamilyHistory(const std::string& kind, std::uint32_t seed) : fixture_(kind), random_(seed) {
        members_[fixture_.process().id].token = fixture_.acquire();
        publish();
    }

    void step() {
        switch (below(10)) {
            case 0:
                return go_on();
            case 1:
                return fork();
            case 2:
                return remove_member();
            case 3:
                return remove_by_name();
            case 4:
                return remove_by_rule();
            case 5:
                return tag();
            case 6:
                return die();
            case 7:
                return compact(fixture_.store());
            default:
                return publish();
        }
    }

    void check() {
        expect_sound(fixture_.family());
        REQUIRE(fixture_.store().processes()->size() == members_.size());
        std::set<Version> seen;
        for (const auto& [id, member] : members_) {
            REQUIRE(read(fixture_.family(), fixture_.family().view_of(id).value()) == member.now);
            for (const CheckpointInfo& info : history_of(id)) {
                seen.insert(info.id);
                INFO("checkpoint " << static_cast<std::uint64_t>(info.id));
                const Kept& kept = kept_.at(info.id);
                REQUIRE(info.process == kept.owner);
                REQUIRE(std::set(info.tags.begin(), info.tags.end()) == kept.tags);
                REQUIRE(read(fixture_.family(), fixture_.family().view_of(info.id).value()) ==
                        kept.memory);
            }
        }
        REQUIRE(seen.size() == kept_.size());
        check_usage();
    }

    /// What a process is said to hold alone is what its removal would free.
    void check_usage() {
        if (fixture_.store().directory().empty()) return;
        const StoreUsage usage = measure_usage(fixture_.store(), [](const Family&, Version) {
                                     return std::map<RegionId, UnitContent>{};
                                 }).value();
        std::uint64_t alone = 0;
        for (const ProcessUsage& process : usage.processes) {
            const Removal removal{.checkpoints = {}, .process = process.id};
            REQUIRE(process.alone_bytes == fixture_.family().bytes_freed_by(removal).value());
            alone += process.alone_bytes;
        }
        REQUIRE(alone <= usage.memory + usage.machine_states);
        REQUIRE(usage.memory + usage.volumes + usage.machine_states + usage.modules +
                    usage.pending + usage.file_history + usage.structure + usage.free +
                    usage.other ==
                usage.files);
    }

private:
    using Members = std::map<ProcessId, Member>;

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    template <typename Container>
    auto any_of(Container& container) {
        return std::next(container.begin(), static_cast<std::ptrdiff_t>(below(container.size())));
    }

    std::vector<CheckpointInfo> history_of(ProcessId id) {
        return fixture_.family().checkpoints(id).value();
    }

    bool is_head(Version version) const {
        return std::ranges::any_of(members_,
                                   [&](const auto& entry) { return entry.second.head == version; });
    }

    void publish() {
        auto& [id, member] = *any_of(members_);
        const auto units = change(member.now, random_);
        member.head = fixture_.publish(member.token, units).value();
        kept_[member.head] = {member.now, id};
    }

    void go_on() {
        auto& [id, member] = *any_of(members_);
        const auto history = history_of(id);
        const Version from = history[below(history.size())].id;
        member.token = fixture_.family().acquire(id, from).value();
        member.head = from;
        member.now = kept_.at(from).memory;
    }

    void fork() {
        const auto origin = any_of(members_);
        const auto history = history_of(origin->first);
        const Version from = history[below(history.size())].id;
        const auto record = fixture_.family().process(origin->first).value();
        const std::vector<NewProcess> copies(1 + below(2));
        const auto made = fixture_.store().fork_process(record, from, copies).value();
        for (const ProcessRecord& copy : made) {
            Member& member = members_[copy.id];
            member.token = fixture_.family().acquire(copy.id, std::nullopt).value();
            member.head = from;
            member.now = kept_.at(from).memory;
        }
    }

    void remove_member() {
        if (members_.size() < 2) return;
        const ProcessId id = any_of(members_)->first;
        REQUIRE(fixture_.store().remove_process(id).ok());
        members_.erase(id);
        std::erase_if(
            kept_, [&](auto entry) { return entry.second.owner == id && !is_head(entry.first); });
        for (auto& [version, kept] : kept_) {
            if (kept.owner != id) continue;
            kept.owner = std::ranges::find_if(members_, [&](const auto& entry) {
                             return entry.second.head == version;
                         })->first;
        }
    }

    void remove_by_name() {
        const Version version = any_of(kept_)->first;
        const Removal removal{.checkpoints = {version}};
        const bool can_go = !is_head(version);
        REQUIRE(fixture_.family().bytes_freed_by(removal).ok() == can_go);
        REQUIRE(fixture_.family().remove_checkpoint(version).ok() == can_go);
        if (can_go) kept_.erase(version);
    }

    void remove_by_rule() {
        const auto chosen = any_of(kept_);
        const bool can_go = !is_head(chosen->first) && chosen->second.tags.empty();
        REQUIRE(fixture_.family().prune(chosen->first, std::nullopt).ok() == can_go);
        if (can_go) kept_.erase(chosen);
    }

    void tag() {
        const auto chosen = any_of(kept_);
        const std::string name = "tag" + std::to_string(below(3));
        REQUIRE(fixture_.family().set_tag(chosen->first, name, true).ok());
        for (auto& [version, kept] : kept_) {
            if (kept.owner == chosen->second.owner) kept.tags.erase(name);
        }
        chosen->second.tags.insert(name);
    }

    /// What is staged when an owner dies is seen by nobody.
    void die() {
        auto& [id, member] = *any_of(members_);
        Memory unseen;
        const auto version = fixture_.family().reserve(member.token).value();
        REQUIRE(fixture_.family().stage(member.token, version, change(unseen, random_)).ok());
        fixture_.reopen();
        member.token = fixture_.family().acquire(id, std::nullopt).value();
    }

    StoreFixture fixture_;
    std::mt19937 random_;
    Members members_;
    std::map<Version, Kept> kept_;
};

}  // namespace

TEST_CASE("the members of a family never harm each other, whatever becomes of them",
          "[store][family]") {
    const std::string kind = any_kind();
    const std::uint32_t first = tests::first_seed();
    std::cout << "families in " << kind << " from SOJOURN_SEED=" << first << "\n";

    for (std::uint32_t seed = first; seed < first + 12; ++seed) {
        CAPTURE(kind, seed);
        FamilyHistory history(kind, seed);
        for (int step = 0; step < 80; ++step) {
            history.step();
            history.check();
        }
    }
}
