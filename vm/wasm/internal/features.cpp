#include "vm/wasm/internal/features.hpp"

namespace sojourn::vm::internal {

namespace {
constexpr std::string_view kThreads = "threads";
constexpr std::string_view kGarbageCollection = "garbage collection";
constexpr std::string_view kExceptions = "exception handling";
constexpr std::string_view kTypedReferences = "typed function references";
}  // namespace

std::string_view feature_of_opcode(std::uint8_t first) {
    switch (first) {
        case 0x06:  // try
        case 0x07:  // catch
        case 0x08:  // throw
        case 0x09:  // rethrow
        case 0x0a:  // throw_ref
        case 0x18:  // delegate
        case 0x19:  // catch_all
        case 0x1f:  // try_table
            return kExceptions;
        case 0x14:  // call_ref
        case 0x15:  // return_call_ref
        case 0xd4:  // ref.as_non_null
        case 0xd5:  // br_on_null
        case 0xd6:  // br_on_non_null
            return kTypedReferences;
        case 0xd3:  // ref.eq
        case 0xfb:
            return kGarbageCollection;
        case 0xfe:
            return kThreads;
        default:
            return {};
    }
}

std::string_view feature_of_type(std::uint8_t code) {
    switch (code) {
        case 0x63:  // ref null
        case 0x64:  // ref
            return kTypedReferences;
        case 0x69:  // exn
        case 0x74:  // noexn
            return kExceptions;
        case 0x78:  // i8
        case 0x77:  // i16
        case 0x73:  // nofunc
        case 0x72:  // noextern
        case 0x71:  // none
        case 0x6e:  // any
        case 0x6d:  // eq
        case 0x6c:  // i31
        case 0x6b:  // struct
        case 0x6a:  // array
        case 0x5f:  // struct type
        case 0x5e:  // array type
        case 0x50:  // sub
        case 0x4f:  // sub final
        case 0x4e:  // rec
            return kGarbageCollection;
        default:
            return {};
    }
}

std::string_view feature_of_section(std::uint8_t id) {
    return id == 13 ? kExceptions : std::string_view{};
}

}  // namespace sojourn::vm::internal
