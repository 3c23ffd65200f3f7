#pragma once

#include <memory>
#include <optional>
#include <string>

#include "heap/heap.hpp"
#include "vm/machine.hpp"

namespace sojourn::spec {

/// Two machines that are told the same and have to do the same, whatever runs their code: where
/// they pause, their stacks are equal value by value, and so is all that they would save besides
/// their memories. What one of them answers is the answer of the first.
class TwinMachine final : public vm::Machine {
public:
    /// Of an empty machine, with its heap. Borrowed.
    struct Half {
        vm::Machine& machine;
        heap::Heap& heap;
    };

    TwinMachine(const Half& first, const Half& second) : first_(first), second_(second) {}

    /// What the second did otherwise than the first; nullopt as long as that is nothing.
    [[nodiscard]] const std::optional<std::string>& difference() const { return difference_; }

    Result<std::variant<vm::InstanceIndex, vm::Trap>> instantiate(
        std::shared_ptr<const vm::Module> module, const vm::ImportResolver& resolver) override;
    std::vector<std::shared_ptr<const vm::Module>> modules() const override;
    const vm::Module& module_of(vm::InstanceIndex instance) const override;
    void start(vm::InstanceIndex instance, std::uint32_t function_index,
               std::span<const std::uint64_t> arguments) override;
    vm::Stop run() override;
    bool is_running() const override;
    void request_pause() override;
    void clear_pause() override;
    void pause_every(std::uint64_t safepoints) override;
    ByteVector capture() const override;
    std::vector<std::uint64_t> read_global(vm::ExternRef global) const override;
    vm::MachineStats stats() const override;

private:
    /// The first one that is noted stays.
    void note(std::string difference);
    void compare(const vm::Stop& first, const vm::Stop& second);
    void compare_stacks();

    Half first_;
    Half second_;
    std::optional<std::string> difference_;
};

}  // namespace sojourn::spec
