#include "vm/wasm/internal/features.hpp"

namespace sojourn::vm::internal {

namespace {
constexpr std::string_view kThreads = "threads";
constexpr std::string_view kGarbageCollection = "garbage collection";
}  // namespace

std::string_view feature_of_opcode(std::uint8_t first) {
    switch (first) {
        case 0xd3:  // ref.eq
        case 0xfb:
            return kGarbageCollection;
        case 0xfe:
            return kThreads;
        default:
            return {};
    }
}

}  // namespace sojourn::vm::internal
