#pragma once

#include <cstdint>
#include <string_view>

/// The extensions of WebAssembly that this build does not have.
namespace sojourn::vm::internal {

enum class Feature : std::uint8_t { garbage_collection, threads };

std::string_view text_of(Feature feature);
/// What whoever builds a module that needs it can do.
std::string_view remedy_of(Feature feature);

/// A row of vm/wasm/refused.def.
struct RefusedInstruction {
    std::string_view text;
    std::uint8_t prefix;
    std::uint32_t code;
    Feature feature;
};

/// Whether a second number follows that says which instruction it is.
constexpr bool is_refused_prefix(std::uint8_t first) {
    return first == 0xfb || first == 0xfe;
}

/// nullptr when it belongs to no extension that we know.
const RefusedInstruction* find_refused(std::uint8_t prefix, std::uint32_t code);

}  // namespace sojourn::vm::internal
