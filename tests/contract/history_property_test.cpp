#include <iostream>
#include <random>

#include <catch2/catch.hpp>

#include "store/difference.hpp"
#include "store/image.hpp"
#include "tests/contract/memory_model.hpp"
#include "tests/support/image_bytes.hpp"
#include "tests/support/seed.hpp"

/// Random histories against a model that keeps a whole copy of memory for each checkpoint.
/// Repeat one with `SOJOURN_SEED=n contract "[history]"`.
using namespace sojourn;
using namespace sojourn::store;

namespace {

/// A visitor that notes what units are filled with.
std::function<Result<void>(UnitKey, Bytes)> noting(Memory& memory) {
    return [&memory](UnitKey key, Bytes value) -> Result<void> {
        ByteVector unit(kTestUnitBytes);
        TRY(decode_unit(key, value, unit));
        memory[static_cast<std::uint64_t>(key.unit)] = std::to_integer<int>(unit[0]);
        return {};
    };
}

/// Never written and zero is the same to a guest.
Memory without_zeros(Memory memory) {
    std::erase_if(memory, [](const auto& unit) { return unit.second == 0; });
    return memory;
}

/// A store that a process is carried to by images.
class Images {
public:
    explicit Images(StoreFixture& source)
        : source_(source), target_(*Store::open("mem:", test_options(), random_)) {}

    void carry(const ImageContent& content) {
        ByteVector image;
        REQUIRE(export_image(source_.store(), source_.process(), content, tests::into(image)).ok());
        const auto summary = import_image(*target_, tests::out_of(image), {.name = "copy"});
        INFO((summary.ok() ? "" : summary.error().message));
        REQUIRE(summary.ok());
        process_ = summary->process;
    }

    [[nodiscard]] std::vector<Version> checkpoints() const {
        const auto family = target_->family(process_.family).value();
        const auto infos = family->checkpoints(process_.id).value();
        std::vector<Version> ids;
        for (const CheckpointInfo& info : infos)
            ids.push_back(info.id);
        return ids;
    }

    [[nodiscard]] Memory memory_at(Version checkpoint) const {
        Memory memory;
        const auto family = target_->family(process_.family).value();
        const auto view = family->view_of(checkpoint).value();
        REQUIRE(family->for_each_unit(view, noting(memory)).ok());
        return without_zeros(memory);
    }

private:
    StoreFixture& source_;
    SystemRandom random_;
    std::unique_ptr<Store> target_;
    ProcessRecord process_;
};

class History {
public:
    History(const std::string& kind, std::uint32_t seed)
        : fixture_(kind), random_(seed), token_(fixture_.acquire()) {}

    void step() {
        switch (below(11)) {
            case 0:
            case 1:
                return go_on_from_random();
            case 2:
            case 3:
                return remove_random();
            case 4:
                return stage_and_die();
            case 5:
                return stage_and_abandon();
            case 6:
                return fixture_.reopen();
            case 7:
                return compact(fixture_.store());
            default:
                return publish();
        }
    }

    void check() {
        expect_sound(fixture_.family());
        REQUIRE(fixture_.family().checkpoints(fixture_.process().id)->size() <= memories_.size());
        for (const auto& [checkpoint, memory] : memories_) {
            INFO("checkpoint " << static_cast<std::uint64_t>(checkpoint));
            const View view = fixture_.family().view_of(checkpoint).value();
            REQUIRE(read(fixture_.family(), view) == memory);
        }
        REQUIRE(walked() == now_);
        check_difference();
    }

    /// An image of a part of the history, and then one of what came after it, make the same
    /// checkpoints in another store.
    void check_images() {
        if (memories_.empty()) return;
        const auto base = random_checkpoint();
        Images target(fixture_);
        target.carry({{base->first}, base->first, kNoVersion, {}});
        ImageContent rest{{}, base->first, base->first, {}};
        for (auto later = std::next(base); later != memories_.end(); ++later)
            rest.checkpoints.push_back(later->first);
        if (!rest.checkpoints.empty()) target.carry(rest);

        const auto copies = target.checkpoints();
        REQUIRE(copies.size() == rest.checkpoints.size() + 1);
        auto original = base;
        for (const Version copy : copies)
            REQUIRE(target.memory_at(copy) == without_zeros((original++)->second));
    }

private:
    std::uint32_t below(std::uint32_t limit) {
        return static_cast<std::uint32_t>(random_() % limit);
    }

    std::map<Version, Memory>::const_iterator random_checkpoint() {
        return std::next(memories_.begin(), below(static_cast<std::uint32_t>(memories_.size())));
    }

    /// What has changed from one checkpoint to another makes the one the other.
    void check_difference() {
        if (memories_.empty()) return;
        const auto from = random_checkpoint();
        const auto to = random_checkpoint();
        Memory changed = from->second;
        REQUIRE(
            for_each_difference(fixture_.family(), from->first, to->first, noting(changed)).ok());
        REQUIRE(without_zeros(changed) == without_zeros(to->second));
    }

    void publish() {
        Publication publication;
        publication.info.id = fixture_.family().reserve(token_).value();
        if (below(2) == 0) {
            REQUIRE(
                fixture_.family().stage(token_, publication.info.id, change(now_, random_)).ok());
        }
        const auto rest = change(now_, random_);
        publication.info.time_us = ++published_;
        publication.units = rest;
        REQUIRE(fixture_.family().publish(token_, publication).ok());
        head_ = publication.info.id;
        memories_[head_] = now_;
    }

    void go_on_from_random() {
        if (memories_.empty()) return;
        const auto chosen =
            std::next(memories_.begin(), below(static_cast<std::uint32_t>(memories_.size())));
        token_ = fixture_.acquire(chosen->first);
        head_ = chosen->first;
        now_ = chosen->second;
    }

    void remove_random() {
        if (memories_.empty()) return;
        const auto chosen =
            std::next(memories_.begin(), below(static_cast<std::uint32_t>(memories_.size())));
        const auto result = fixture_.family().remove_checkpoint(chosen->first);
        if (chosen->first == head_) {
            REQUIRE(result.error().code == ErrorCode::busy);
        } else {
            REQUIRE(result.ok());
            memories_.erase(chosen);
        }
    }

    void stage_and_die() {
        Memory unseen;
        const auto version = fixture_.family().reserve(token_).value();
        REQUIRE(fixture_.family().stage(token_, version, change(unseen, random_)).ok());
        token_ = fixture_.acquire();
    }

    void stage_and_abandon() {
        Memory unseen;
        const auto version = fixture_.family().reserve(token_).value();
        REQUIRE(fixture_.family().stage(token_, version, change(unseen, random_)).ok());
        REQUIRE(fixture_.family().abandon(token_, version).ok());
    }

    Memory walked() {
        Memory memory;
        const auto view = fixture_.family().view_of(fixture_.process().id).value();
        REQUIRE(fixture_.family().for_each_unit(view, noting(memory)).ok());
        return memory;
    }

    StoreFixture fixture_;
    std::mt19937 random_;
    FencingToken token_;
    std::uint64_t published_ = 0;
    Version head_ = kNoVersion;
    Memory now_;
    std::map<Version, Memory> memories_;
};

}  // namespace

TEST_CASE("removing a checkpoint never harms another, whatever came before", "[store][history]") {
    const std::string kind = any_kind();
    const std::uint32_t first = tests::first_seed();

    for (std::uint32_t seed = first; seed < first + 20; ++seed) {
        CAPTURE(kind, seed);
        History history(kind, seed);
        for (int step = 0; step < 80; ++step) {
            history.step();
            history.check();
        }
        history.check_images();
    }
    std::cout << "histories in " << kind << " from SOJOURN_SEED=" << first << "\n";
}
