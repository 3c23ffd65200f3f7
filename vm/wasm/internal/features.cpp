#include "vm/wasm/internal/features.hpp"

#include <algorithm>
#include <array>

namespace sojourn::vm::internal {

namespace {

constexpr auto kRefused = std::to_array<RefusedInstruction>({
#define REFUSED(text, prefix, code, feature) {text, prefix, code, Feature::feature},
#include "vm/wasm/refused.def"
#undef REFUSED
});

}  // namespace

std::string_view text_of(Feature feature) {
    switch (feature) {
        case Feature::garbage_collection:
            return "garbage collection";
        case Feature::threads:
            break;
    }
    return "threads";
}

std::string_view remedy_of(Feature feature) {
    switch (feature) {
        case Feature::garbage_collection:
            return "build it with a compiler that keeps its objects in a linear memory";
        case Feature::threads:
            break;
    }
    return "build it for one thread, without -pthread and -matomics";
}

const RefusedInstruction* find_refused(std::uint8_t prefix, std::uint32_t code) {
    const auto* const found = std::ranges::find_if(kRefused, [&](const RefusedInstruction& row) {
        return row.prefix == prefix && row.code == code;
    });
    return found == kRefused.end() ? nullptr : found;
}

}  // namespace sojourn::vm::internal
