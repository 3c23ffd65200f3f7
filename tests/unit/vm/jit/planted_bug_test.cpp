#include <array>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <catch2/catch.hpp>

#include "tests/unit/vm/exec_fixture.hpp"
#include "tools/spectest/twin_machine.hpp"
#include "vm/exec/compiled_tier.hpp"
#include "vm/jit/llvm_compiler.hpp"

/// Whether a wrong frame of compiled code is found by who compares it with the interpreter's.
using namespace sojourn;
using namespace sojourn::tests;

namespace {

enum class Bug {
    none,
    local_left_out,    ///< of the frame, where a loop or a call pauses
    stale_offset,      ///< there, that of the function's first such place
    not_written_back,  ///< a value, before a call
    position_not_set,  ///< before a call
};

/// Plants a bug in the n-th place of each function where there can be one.
class BugPlanter final : public vm::jit::Onlooker {
public:
    BugPlanter(Bug bug, std::size_t place, std::size_t& planted)
        : bug_(bug), place_(place), planted_(planted) {}

    void emitted(const vm::CompileUnit& /*unit*/, llvm::Module& module) override {
        for (llvm::Function& function : module) {
            const auto places = places_in(function);
            if (place_ >= places.size()) continue;
            llvm::StoreInst& store = *places[place_];
            if (bug_ == Bug::stale_offset) {
                if (store.getValueOperand() == places.front()->getValueOperand()) continue;
                store.setOperand(0, places.front()->getValueOperand());
            } else {
                store.eraseFromParent();
            }
            ++planted_;
        }
    }
    void optimized(const vm::CompileUnit& /*unit*/, const llvm::Module& /*module*/,
                   llvm::TargetMachine& /*target*/) override {}

private:
    /// What is stored to slots or to the frame's record, in the blocks that it is about.
    [[nodiscard]] std::vector<llvm::StoreInst*> places_in(llvm::Function& function) const {
        constexpr unsigned kSlots = 1;
        constexpr unsigned kFrame = 2;
        const bool is_of_record = bug_ == Bug::stale_offset || bug_ == Bug::position_not_set;
        const bool is_at_pause = bug_ == Bug::stale_offset || bug_ == Bug::local_left_out;
        std::vector<llvm::StoreInst*> places;
        if (bug_ == Bug::none) return places;
        for (llvm::BasicBlock& block : function) {
            if (block.getName().starts_with("pause") != is_at_pause) continue;
            for (llvm::Instruction& instruction : block) {
                auto* const store = llvm::dyn_cast<llvm::StoreInst>(&instruction);
                if (store == nullptr) continue;
                const llvm::Value* const base =
                    llvm::getUnderlyingObject(store->getPointerOperand());
                const bool is_position = llvm::isa<llvm::ConstantInt>(store->getValueOperand()) &&
                                         store->getValueOperand()->getType()->isIntegerTy(64);
                if (base == function.getArg(is_of_record ? kFrame : kSlots) &&
                    (!is_of_record || is_position)) {
                    places.push_back(store);
                }
            }
        }
        return places;
    }

    Bug bug_;
    std::size_t place_;
    std::size_t& planted_;
};

/// Locals that a loop sets live across calls whose arguments are made of them: one that becomes
/// code of the caller, one that stays a call.
constexpr const char* kProgram = R"((module
    (table 1 funcref) (elem (i32.const 0) $double)
    (func $double (param i32) (result i32) (local i32)
        (local.set 1 (i32.mul (local.get 0) (i32.const 2)))
        (loop (br_if 0 (i32.eqz (local.tee 1 (i32.add (local.get 1) (i32.const 1)))))
            (br_if 0 (i32.eqz (local.get 1))))
        (local.get 1))
    (func (export "run") (param $count i32) (result i64) (local $sum i64) (local $last i32)
        (loop $again
            (local.set $last (i32.add (local.get $last) (i32.const 7)))
            (local.set $sum (i64.add
                (i64.mul (local.get $sum) (i64.const 31))
                (i64.extend_i32_u (call $double (i32.add (local.get $last) (local.get $count))))))
            (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call_indirect
                (param i32) (result i32) (local.get $last) (i32.const 0)))))
            (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
        (local.get $sum))))";

struct Outcome {
    std::size_t planted = 0;
    std::optional<std::string> difference;
};

/// Runs it in both tiers, so many safepoints at a time, as long as they stand alike.
Outcome run_with(Bug bug, std::size_t place, std::uint64_t safepoints) {
    Outcome outcome;
    vm::CompiledTier tier([&] {
        return vm::jit::make_llvm_compiler(
            {}, std::make_unique<BugPlanter>(bug, place, outcome.planted));
    });
    MachineFixture compiled({}, &tier);
    MachineFixture interpreted({}, nullptr);
    const ByteVector module = assemble(kProgram);
    compiled.add(module);
    interpreted.add(module);
    spec::TwinMachine twin({compiled.machine(), compiled.heap()},
                           {interpreted.machine(), interpreted.heap()});

    compiled.start("run", {5});
    interpreted.start("run", {5});
    vm::Stop stop = vm::Paused();
    while (std::holds_alternative<vm::Paused>(stop) && !twin.difference()) {
        twin.pause_every(safepoints);
        stop = twin.run();
    }
    outcome.difference = twin.difference();
    return outcome;
}

/// At each safepoint code pauses before every call; further apart it makes some.
constexpr std::array<std::uint64_t, 5> kSafepoints{1, 2, 3, 4, 5};

}  // namespace

TEST_CASE("frames of compiled code are those of the interpreter", "[compiled]") {
    for (const std::uint64_t safepoints : kSafepoints) {
        const Outcome outcome = run_with(Bug::none, 0, safepoints);

        REQUIRE(outcome.planted == 0);
        REQUIRE_FALSE(outcome.difference);
    }
}

TEST_CASE("a frame that compiled code gets wrong is noticed", "[compiled]") {
    const Bug bug = GENERATE(Bug::local_left_out, Bug::stale_offset, Bug::not_written_back,
                             Bug::position_not_set);
    CAPTURE(static_cast<int>(bug));

    // In some places it does no harm: code that is not run, a value that is there already.
    bool is_noticed = false;
    for (std::size_t place = 0; !is_noticed; ++place) {
        bool is_planted = place == 0;
        for (const std::uint64_t safepoints : kSafepoints) {
            const Outcome outcome = run_with(bug, place, safepoints);
            is_planted |= outcome.planted > 0;
            is_noticed |= outcome.difference.has_value();
        }
        REQUIRE(is_planted);
    }
}
