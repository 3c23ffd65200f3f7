#include <fcntl.h>

#include "leases/admission.hpp"
#include "process/program.hpp"
#include "tests/fuzz/sandbox.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/host_fixture.hpp"

namespace sojourn::fuzz {

using namespace process;

namespace {

/// Nothing of this host is the fuzzer's: whatever a checkpoint would reach is refused.
Result<void> obtain_nothing(leases::LeaseManager& leases, const FileMoment&) {
    auto admission = TRY(leases::Admission::prepare(leases, {}));
    return admission.obtain();
}

/// A program of this build that touches no files, in the middle of its run, in a store in memory.
class Checkpointed {
public:
    Checkpointed() : program_(guest_module("arithmetic")) {
        if (program_.empty()) return;
        host_.host.streams = {null_.get(), null_.get(), null_.get()};
        store_ = *store::Store::open("mem:", {.sync = false}, host_.random);
        EXPECTS(store_->put_module(program_).ok(), "a store in memory takes a module");
        record_ = *store_->create_process({.name = "guest"});
        family_ = *store_->family(record_.family);
        EXPECTS(take_checkpoint().ok(), "the program runs");
    }

    /// What the store keeps with the checkpoint; empty when the program was not built.
    [[nodiscard]] ByteVector attachment() const {
        if (program_.empty()) return {};
        return family_->read_attachment(family_->process(record_.id)->head).value();
    }

    /// The process with `attachment` instead of its own, and the same memory, goes on for a while.
    Result<void> go_on_with(Bytes attachment) {
        if (program_.empty()) return {};
        auto token = TRY(family_->acquire(record_.id, std::nullopt));
        store::Publication publication;
        publication.info.id = TRY(family_->reserve(token));
        publication.attachment = attachment;
        TRY(family_->publish(token, publication));
        const auto parent = TRY(family_->checkpoint(publication.info.id)).parent;
        const auto ran = run(token);
        token = TRY(family_->acquire(record_.id, parent));
        return family_->remove_checkpoint(publication.info.id);
    }

private:
    Result<void> take_checkpoint() {
        const auto token = TRY(family_->acquire(record_.id, std::nullopt));
        const auto life = TRY(Incarnation::create(
            family_, token, {.arguments = {"guest"}, .environment = {}, .directories = {}},
            surroundings_, {}));
        auto module = TRY(vm::load_module(program_));
        TRY(begin_program(*life, std::move(module)));
        constexpr std::uint64_t kMiddle = 200;
        life->machine().pause_every(kMiddle);
        static_cast<void>(life->machine().run());
        auto moment = TRY(life->capture());
        TRY(life->publish(std::move(moment), {}));
        return {};
    }

    Result<void> run(store::FencingToken token) {
        const auto life =
            TRY(Incarnation::restore(*store_, family_, token, surroundings_, {}, obtain_nothing));
        if (life->machine().is_running()) run_for_a_while(life->machine());
        auto moment = TRY(life->capture());
        EXPECTS(decode_attachment(moment.attachment).ok(), "what ran can be saved");
        EXPECTS(life->heap().verify().empty(), "its heap is sound");
        return {};
    }

    ByteVector program_;
    UniqueFd null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    test::HostFixture host_;
    test::ManualSupervisor supervisor_{*host_.interrupt};
    Surroundings surroundings_{host_.clock, host_.host, supervisor_};
    std::unique_ptr<store::Store> store_;
    store::ProcessRecord record_;
    std::shared_ptr<store::Family> family_;
};

Checkpointed& checkpointed() {
    static Checkpointed made;
    return made;
}

}  // namespace

Seeds seeds_of_process() {
    ByteVector attachment = checkpointed().attachment();
    return attachment.empty() ? Seeds{} : Seeds{std::move(attachment)};
}

void run_process(Bytes input) {
    EXPECTS(checkpointed().go_on_with(input).ok(), "the store takes and forgets a checkpoint");
}

}  // namespace sojourn::fuzz
