#include <random>

#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"
#include "vm/checkpoint/machine_state.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

constexpr std::uint64_t kSafepointsBeforeCapture = 12;
constexpr std::uint64_t kSafepointsAfterRestore = 2000;

/// A machine in the middle of calls, and its state.
struct Suspended {
    Suspended() : fixture(assemble_file("exec_checkpoint.wat")) {
        fixture.start("fibonacci", {9});
        fixture.machine().pause_every(kSafepointsBeforeCapture);
        REQUIRE(std::holds_alternative<vm::Paused>(fixture.machine().run()));
        state = fixture.machine().capture();
        decoded = vm::decode_machine_state(state).value();
    }

    std::span<vm::FrameState> frames() {
        auto* region = fixture.heap().region(decoded.threads[0].frames);
        return {reinterpret_cast<vm::FrameState*>(region->base()), decoded.threads[0].frame_count};
    }

    ErrorCode refusal_of(const vm::MachineState& changed) {
        const auto restored = fixture.restore_from(vm::encode(changed));
        REQUIRE_FALSE(restored.ok());
        return restored.error().code;
    }

    /// Restores and, when that is accepted, runs for a while. True: it ran.
    bool try_it() {
        const auto restored = fixture.restore_from(state);
        if (!restored.ok() || !fixture.machine().is_running()) return false;
        fixture.machine().pause_every(kSafepointsAfterRestore);
        fixture.machine().run();
        return true;
    }

    MachineFixture fixture;
    ByteVector state;
    vm::MachineState decoded;
};

}  // namespace

TEST_CASE_METHOD(Suspended, "a state cut short anywhere is refused", "[vm][checkpoint]") {
    for (std::size_t size = 0; size < state.size(); ++size) {
        const auto restored = fixture.restore_from(Bytes(state).first(size));
        REQUIRE_FALSE(restored.ok());
        REQUIRE(restored.error().code == ErrorCode::corrupt);
    }
    REQUIRE(fixture.restore_from(state).ok());
}

TEST_CASE_METHOD(Suspended, "a state of another version is refused as such", "[vm][checkpoint]") {
    state[8] = std::byte{99};

    CHECK(fixture.restore_from(state).error().code == ErrorCode::unsupported_format);
}

TEST_CASE_METHOD(Suspended, "a region serves one purpose only", "[vm][checkpoint]") {
    auto changed = decoded;
    changed.threads[0].slots = changed.instances[0].memories[0].region;
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.threads[0].frames = changed.threads[0].slots;
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.instances[0].globals = store::RegionId{77};
    CHECK(refusal_of(changed) == ErrorCode::corrupt);
}

TEST_CASE_METHOD(Suspended, "sizes must be those of the regions and within the limits",
                 "[vm][checkpoint]") {
    auto changed = decoded;
    changed.instances[0].memories[0].pages = 2;
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.instances[0].tables[0].size = 100'000;
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.threads[0].frame_count = UINT32_MAX;
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.stack_bytes_max = std::uint64_t{1} << 62U;
    CHECK(refusal_of(changed) == ErrorCode::corrupt);
}

TEST_CASE_METHOD(Suspended, "a machine has the thread and the segments it should have",
                 "[vm][checkpoint]") {
    auto changed = decoded;
    changed.threads.clear();
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.instances[0].dropped_data.push_back(false);
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.instances[0].imports.pop_back();
    CHECK(refusal_of(changed) == ErrorCode::corrupt);

    changed = decoded;
    changed.instances[0].imports[0] = vm::ExternRef{vm::InstanceIndex{0}, 0};
    CHECK(refusal_of(changed) == ErrorCode::unlinkable_module);
}

TEST_CASE_METHOD(Suspended, "each field of a frame is checked", "[vm][checkpoint]") {
    REQUIRE(frames().size() > 2);
    const std::array fields{&vm::FrameState::instance, &vm::FrameState::function_index,
                            &vm::FrameState::code_offset, &vm::FrameState::slot_count};

    for (std::size_t i = 0; i < frames().size(); ++i) {
        for (const auto field : fields) {
            const auto saved = frames()[i];
            frames()[i].*field += 1;
            const auto restored = fixture.restore_from(state);
            REQUIRE_FALSE(restored.ok());
            REQUIRE(restored.error().code == ErrorCode::corrupt);
            frames()[i] = saved;
        }
    }
    REQUIRE(fixture.restore_from(state).ok());
}

TEST_CASE_METHOD(Suspended, "a caller must stand at a call of the frame above it",
                 "[vm][checkpoint]") {
    frames()[1].function_index = 3;
    frames()[1].slot_count = 3;

    CHECK(fixture.restore_from(state).error().code == ErrorCode::corrupt);
}

TEST_CASE("no flipped bit of the state crashes the machine", "[vm][checkpoint]") {
    auto suspended = std::make_unique<Suspended>();
    const std::size_t bits = suspended->state.size() * 8;
    std::size_t accepted = 0;

    for (std::size_t bit = 0; bit < bits; ++bit) {
        const auto flip = [&] { suspended->state[bit / 8] ^= std::byte{1} << (bit % 8); };
        flip();
        if (suspended->try_it()) {
            ++accepted;
            suspended = std::make_unique<Suspended>();
        } else {
            flip();
        }
    }

    CHECK(accepted > 0);
    CHECK(accepted < bits / 2);
}

TEST_CASE_METHOD(Suspended, "no garbage in frames, slots or tables crashes the machine",
                 "[vm][checkpoint]") {
    constexpr std::size_t kTouchedBytes = 256;
    std::mt19937_64 random(81);
    const auto& instance = decoded.instances[0];
    std::vector<std::pair<std::byte*, ByteVector>> saved;
    for (const auto id : {decoded.threads[0].frames, decoded.threads[0].slots,
                          instance.tables[0].region, instance.globals}) {
        std::byte* base = fixture.heap().region(id)->base();
        saved.emplace_back(base, ByteVector(base, base + heap::kPageBytes));
    }
    std::size_t accepted = 0;

    for (int round = 0; round < 4000; ++round) {
        auto& [base, bytes] = saved[random() % saved.size()];
        base[random() % kTouchedBytes] ^= static_cast<std::byte>(random());
        if (try_it()) ++accepted;
        for (auto& [to, from] : saved)
            std::ranges::copy(from, to);
    }

    CHECK(accepted > 0);
}
