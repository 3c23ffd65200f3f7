#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/compiled_tier.hpp"
#include "tests/support/heap_fixture.hpp"
#include "vm/machine.hpp"

namespace sojourn::tests {

/// The binary of a .wat file beside the tests, by wat2wasm. What fails here stops the test.
ByteVector assemble_file(const std::string& name);
/// The same of a module's text.
ByteVector assemble(std::string_view text);

/// Host functions of the module "host" for tests:
///   note (i32)              remembers its argument
///   add (i32 i32) -> i32
///   swap (i64 i64) -> i64 i64
///   wait (i32) -> i32       is interrupted while `interruptions` lasts, then gives its argument
///   exit (i32)              ends the guest
///   fail ()                 traps
///   peek (i32) -> i32       the byte of the caller's memory at that address
class TestHost final : public vm::HostCalls {
public:
    std::vector<std::uint64_t> notes;
    int interruptions = 0;
    std::uint64_t calls = 0;

    std::optional<vm::HostFunctionId> find(std::string_view module, std::string_view name,
                                           const vm::FunctionType& type,
                                           vm::ValueType address) const override;
    vm::HostOutcome call(const vm::HostCall& call) override;
};

/// A machine on a heap of its own, both of which can be dropped and brought back.
class MachineFixture {
public:
    TestHost host;

    explicit MachineFixture(std::uint64_t stack_bytes_max = 8U << 20U);
    /// Borrows the tier, if there is one.
    explicit MachineFixture(const vm::MachineOptions& options,
                            vm::CompiledTier* tier = tier_of_tests());
    explicit MachineFixture(ByteVector module) : MachineFixture() { add(std::move(module)); }

    /// Instantiates a module; its imports come from instances added under a name, then the host.
    /// A start function is run.
    std::variant<vm::InstanceIndex, vm::Trap> try_add(ByteVector module, const std::string& name);
    vm::InstanceIndex add(ByteVector module, const std::string& name = "");
    Result<std::variant<vm::InstanceIndex, vm::Trap>> instantiate(ByteVector module);

    vm::Machine& machine() { return *machine_; }
    heap::Heap& heap() { return *heap_; }

    /// Of the instance added last unless another is given.
    void start(const std::string& function, const std::vector<std::uint64_t>& arguments = {},
               std::optional<vm::InstanceIndex> instance = std::nullopt);

    /// Starts and runs to the end; the results of a call that finishes.
    std::vector<std::uint64_t> call(const std::string& function,
                                    const std::vector<std::uint64_t>& arguments = {});
    /// The same for one that returns one value.
    std::uint64_t value_of(const std::string& function,
                           const std::vector<std::uint64_t>& arguments = {});
    /// The same for one that traps.
    vm::Trapped trap_of(const std::string& function,
                        const std::vector<std::uint64_t>& arguments = {});

    /// Commits, drops machine and heap, and restores both from the store.
    void reincarnate();
    /// A machine out of `state` on the heap as it is; the fixture's own machine is dropped.
    Result<void> restore_from(Bytes state);

    /// Runs to the end, reincarnated at every safepoint; how often that was.
    std::pair<vm::Stop, std::uint64_t> run_reincarnated();

private:
    vm::ExternRef find_export(vm::InstanceIndex instance, const std::string& name) const;
    vm::ModuleSource module_source();

    vm::CompiledTier* tier_;
    HeapFixture heap_fixture_;
    std::unique_ptr<heap::Heap> heap_;
    std::unique_ptr<vm::Machine> machine_;
    std::map<Sha256, ByteVector> modules_;
    std::map<std::string, vm::InstanceIndex, std::less<>> named_;
    vm::InstanceIndex last_{0};
};

}  // namespace sojourn::tests
