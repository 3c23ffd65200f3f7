#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/object_builder.hpp"
#include "tests/unit/vm/exec_fixture.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

/// What all code returns here.
constexpr std::uint64_t kAnswer = 42;

/// What compilers of a tier do and are told.
struct Workshop {
    std::atomic<bool> is_open = true;            ///< else they wait, or give up
    std::vector<std::uint32_t> functions;        ///< in the order in which they were begun
    std::optional<std::uint32_t> only_function;  ///< the others are refused
    std::atomic<bool> gives_up = true;           ///< what is not wanted any more
    std::atomic<int> begun = 0;
    std::atomic<bool> has_given_up = false;

    std::mutex mutex;

    void note(std::uint32_t function) {
        const std::lock_guard guard(mutex);
        functions.push_back(function);
    }
    vm::CompiledTier::Source source();
};

class WorkshopCompiler final : public vm::Compiler {
public:
    explicit WorkshopCompiler(Workshop& workshop) : workshop_(workshop) {}

    vm::CompiledObject compile(const vm::CompileUnit& unit) override {
        workshop_.note(unit.function_index);
        ++workshop_.begun;
        while (!workshop_.is_open && !(workshop_.gives_up && unit.is_unwanted))
            std::this_thread::yield();
        if (unit.is_unwanted) workshop_.has_given_up = true;
        if (workshop_.only_function.value_or(unit.function_index) != unit.function_index)
            return {.refusal = "it is another one"};
        return {.bytes = answering_object(kAnswer)};
    }

private:
    Workshop& workshop_;
};

vm::CompiledTier::Source Workshop::source() {
    return [this] {
        return Result<std::unique_ptr<vm::Compiler>>(std::make_unique<WorkshopCompiler>(*this));
    };
}

/// Functions 0, 1, 2 and so on.
std::shared_ptr<const vm::Module> module_of(std::uint32_t functions) {
    std::string text = "(module";
    for (std::uint32_t i = 0; i < functions; ++i)
        text += "(func)";
    return vm::load_module(assemble(text + ")")).value();
}

using Objects = std::map<std::uint32_t, ByteVector>;  ///< by where they begin

/// A cache that outlives the tiers which have it.
class Shelf final : public vm::CodeCache {
public:
    explicit Shelf(Objects& objects) : objects_(objects) {}

    bool has(const vm::Module& /*module*/, std::uint32_t begin) override {
        return objects_.contains(begin);
    }
    std::optional<ByteVector> find(const vm::Module& /*module*/, std::uint32_t begin) override {
        const auto found = objects_.find(begin);
        return found == objects_.end() ? std::nullopt : std::optional(found->second);
    }
    void keep(const vm::Module& /*module*/, std::uint32_t begin, ByteVector object) override {
        objects_[begin] = std::move(object);
    }
    Result<void> flush() override { return {}; }

private:
    Objects& objects_;
};

std::uint64_t result_of(const vm::CompiledCode& code) {
    std::uint64_t slot = 0;
    code.entry(nullptr, &slot, nullptr);
    return slot;
}

template <typename Condition>
bool comes_true(const Condition& condition) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (!condition() && Clock::now() < deadline)
        std::this_thread::yield();
    return condition();
}

}  // namespace

TEST_CASE("what is compiled in the background is there when it is asked for again",
          "[exec][compiled]") {
    Workshop workshop;
    vm::CompiledTier tier(workshop.source(), {.patience = 7});
    const auto module = module_of(2);

    REQUIRE(tier.patience(*module, module->functions[1].body_offset) == 7);
    const bool is_found = comes_true([&] { return tier.ask(module, 1, 0) != nullptr; });

    REQUIRE(is_found);
    REQUIRE(result_of(*tier.ask(module, 1, 0)) == kAnswer);
    REQUIRE(workshop.functions == std::vector<std::uint32_t>{1});
    REQUIRE(tier.patience(*module, module->functions[1].body_offset) == 1);
    REQUIRE(tier.patience(*module, module->functions[0].body_offset) == 7);
}

TEST_CASE("what is asked for most often is compiled first", "[exec][compiled]") {
    Workshop workshop;
    workshop.is_open = false;
    vm::CompiledTier tier(workshop.source(), vm::BackgroundOptions{});
    const auto module = module_of(4);
    tier.ask(module, 0, 0);
    REQUIRE(comes_true([&] { return workshop.begun == 1; }));

    for (const std::uint32_t function : {1U, 2U, 3U, 2U, 3U, 3U})
        tier.ask(module, function, 0);
    workshop.is_open = true;
    REQUIRE(comes_true([&] { return tier.counts()["compiled"] == 4; }));

    REQUIRE(workshop.functions == std::vector<std::uint32_t>{0, 3, 2, 1});
}

TEST_CASE("no more is waiting to be compiled than a tier remembers", "[exec][compiled]") {
    constexpr std::uint32_t kFunctions = 3000;
    Workshop workshop;
    workshop.is_open = false;
    vm::CompiledTier tier(workshop.source(), vm::BackgroundOptions{});
    const auto module = module_of(kFunctions);

    for (std::uint32_t function = 0; function < kFunctions; ++function)
        REQUIRE(tier.ask(module, function, 0) == nullptr);
    workshop.is_open = true;
    REQUIRE(comes_true([&] { return tier.counts()["compiled"] == 1024; }));

    REQUIRE(tier.ask(module, kFunctions - 1, 0) == nullptr);
    REQUIRE(comes_true([&] { return tier.ask(module, kFunctions - 1, 0) != nullptr; }));
}

TEST_CASE("a tier that goes waits for nothing to be finished", "[exec][compiled]") {
    Workshop workshop;
    workshop.is_open = false;
    auto tier =
        std::make_unique<vm::CompiledTier>(workshop.source(), vm::BackgroundOptions{.threads = 2});
    {
        const auto module = module_of(3);  // which goes before
        for (std::uint32_t function = 0; function < 3; ++function)
            tier->ask(module, function, 0);
    }

    REQUIRE(comes_true([&] { return workshop.begun >= 1; }));
    tier.reset();

    REQUIRE(workshop.has_given_up);
    REQUIRE(workshop.begun <= 2);
}

TEST_CASE("who does not wait for a tier is told whether it is busy", "[exec][compiled]") {
    Workshop workshop;
    workshop.is_open = false;
    workshop.gives_up = false;
    vm::CompiledTier tier(workshop.source(), vm::BackgroundOptions{});
    const auto module = module_of(2);

    REQUIRE_FALSE(tier.is_busy());
    tier.ask(module, 0, 0);
    tier.ask(module, 1, 0);
    REQUIRE(comes_true([&] { return workshop.begun == 1; }));
    tier.stop();
    REQUIRE(tier.is_busy());
    workshop.is_open = true;

    REQUIRE(comes_true([&] { return !tier.is_busy(); }));
    REQUIRE(workshop.begun == 1);
}

TEST_CASE("without a compiler everything is interpreted, and it is known why", "[exec][compiled]") {
    const auto none = []() -> Result<std::unique_ptr<vm::Compiler>> {
        return fail(ErrorCode::unsupported, "there is none");
    };
    vm::CompiledTier tier(none, {.patience = 1});
    MachineFixture fixture({.fuel = 1'000'000}, &tier);
    fixture.add(assemble(R"((module (func (export "count") (param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.add (local.get 1) (i32.const 2)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))))"));

    const bool is_refused = comes_true([&] {
        return fixture.value_of("count", {1000}) == 2000 &&
               tier.counts()["interpreted: there is none"] == 2;
    });

    REQUIRE(is_refused);
    REQUIRE(tier.counts().size() == 1);
}

TEST_CASE("a loop that is interpreted goes on compiled as soon as it can", "[exec][compiled]") {
    Workshop workshop;
    vm::CompiledTier tier(workshop.source(), {.patience = 10});
    MachineFixture fixture({.fuel = 1'000'000'000}, &tier);
    fixture.add(assemble(R"((module (func (export "endless") (result i32)
        (loop (br 0)) (unreachable))))"));

    REQUIRE(fixture.value_of("endless") == kAnswer);

    // The function itself is worth it only if it is called again.
    REQUIRE(workshop.functions.size() == 1);
    REQUIRE(fixture.value_of("endless") == kAnswer);
    REQUIRE(comes_true([&] { return tier.counts()["compiled"] == 2; }));
}

TEST_CASE("a function that is interpreted is called compiled as soon as it can",
          "[exec][compiled]") {
    Workshop workshop;
    workshop.only_function = 0;
    vm::CompiledTier tier(workshop.source(), {.patience = 10});
    MachineFixture fixture({.fuel = 1'000'000'000}, &tier);
    fixture.add(assemble(R"((module
        (func $zero (result i32) (i32.const 0))
        (func (export "until") (result i32) (local i32)
            (loop (local.set 0 (call $zero)) (br_if 0 (i32.eqz (local.get 0))))
            (local.get 0))))"));

    REQUIRE(fixture.value_of("until") == kAnswer);
}

TEST_CASE("a machine that comes back enters at once what was compiled in its former life",
          "[exec][compiled]") {
    Workshop workshop;
    vm::CompiledTier tier(workshop.source(), {.patience = 1'000});
    MachineFixture fixture({.fuel = 1'000'000'000}, &tier);
    fixture.add(assemble(R"((module (func (export "endless") (result i32)
        (loop (br 0)) (unreachable))))"));
    REQUIRE(fixture.value_of("endless") == kAnswer);

    fixture.reincarnate();
    const std::uint64_t before = fixture.machine().stats().safepoints;
    REQUIRE(fixture.value_of("endless") == kAnswer);

    REQUIRE(fixture.machine().stats().safepoints - before <= 1);
}

TEST_CASE("what the cache has is compiled code from its first call on, without a compiler",
          "[exec][compiled]") {
    Workshop workshop;
    Objects objects;
    const auto module = module_of(2);
    const std::uint32_t begin = module->functions[1].body_offset;
    {
        vm::CompiledTier tier(workshop.source(), std::make_unique<Shelf>(objects));
        REQUIRE(result_of(*tier.ask(module, 1, 0)) == kAnswer);
    }
    REQUIRE(objects.contains(begin));

    vm::CompiledTier tier(workshop.source(), {.patience = 7}, std::make_unique<Shelf>(objects));

    REQUIRE(tier.patience(*module, begin) == 1);
    REQUIRE(tier.patience(*module, module->functions[0].body_offset) == 7);
    REQUIRE(result_of(*tier.ask(module, 1, 0)) == kAnswer);
    REQUIRE(workshop.begun == 1);
    REQUIRE(tier.counts() == std::map<std::string, std::uint64_t>{{"found in the cache", 1}});
}

TEST_CASE("what was compiled in the background is kept, and what can't be loaded is compiled",
          "[exec][compiled]") {
    Workshop workshop;
    const auto module = module_of(1);
    Objects objects{{module->functions[0].body_offset, ByteVector(100)}};
    vm::CompiledTier tier(workshop.source(), {.patience = 7}, std::make_unique<Shelf>(objects));

    REQUIRE(comes_true([&] { return tier.ask(module, 0, 0) != nullptr; }));

    REQUIRE(workshop.begun == 1);
    REQUIRE(objects.at(module->functions[0].body_offset) == answering_object(kAnswer));
}
