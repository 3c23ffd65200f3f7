#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "heap/heap.hpp"
#include "vm/trap.hpp"
#include "vm/wasm/module.hpp"

/// What the machine knows of the world: imported functions that somebody else performs.
namespace sojourn::vm {

enum class HostFunctionId : std::uint32_t {};

struct HostOutcome {
    enum class Kind : std::uint8_t {
        done,         ///< the results are in place; the guest goes on
        interrupted,  ///< it blocked and a safepoint is wanted: nothing happened that the guest
                      ///< could see, the machine stands before the call and makes it again later
        exited,       ///< the guest asked to end with `exit_code`
        trapped,      ///< the guest broke a rule that has no errno
    };
    Kind kind = Kind::done;
    std::int32_t exit_code = 0;
    Trap trap = Trap::unreachable;
};

/// One call, as the machine hands it over. Slots hold 8 bytes: an i32 or f32 in the low half, the
/// high half zero; a v128 takes two, the low half first.
struct HostCall {
    HostFunctionId function;
    heap::Region* memory;  ///< memory 0 of the calling instance; nullptr when it has none
    std::span<const std::uint64_t> arguments;
    std::span<std::uint64_t> results;
    ValueType address = ValueType::i32;  ///< of addresses and sizes in that memory: i32 or i64
};

/// The imports of a process. The machine calls it on the guest's thread, at safepoints.
class HostCalls {
public:
    virtual ~HostCalls() = default;

    /// nullopt when nothing of that name and type is provided to an instance whose memory has
    /// addresses of type `address`.
    virtual std::optional<HostFunctionId> find(std::string_view module, std::string_view name,
                                               const FunctionType& type,
                                               ValueType address) const = 0;

    /// What may have been meant by an import that find() does not know, in a few words; empty when
    /// nothing comes near.
    virtual std::string suggest(std::string_view /*module*/, std::string_view /*name*/,
                                ValueType /*address*/) const {
        return {};
    }

    virtual HostOutcome call(const HostCall& call) = 0;
};

}  // namespace sojourn::vm
