#include "vm/wasm/value_type.hpp"

#include <fmt/format.h>

namespace sojourn::vm {

std::string text_of(HeapType heap) {
    switch (heap) {
        case HeapType::bottom:
            return "unknown";
        case HeapType::noexn:
            return "noexn";
        case HeapType::nofunc:
            return "nofunc";
        case HeapType::noextern:
            return "noextern";
        case HeapType::none:
            return "none";
        case HeapType::func:
            return "func";
        case HeapType::extern_:
            return "extern";
        case HeapType::any:
            return "any";
        case HeapType::eq:
            return "eq";
        case HeapType::i31:
            return "i31";
        case HeapType::struct_:
            return "struct";
        case HeapType::array:
            return "array";
        case HeapType::exn:
            return "exn";
    }
    return std::to_string(type_index_of(heap));
}

std::string text_of(ValueType type) {
    switch (type) {
        case ValueType::i32:
            return "i32";
        case ValueType::i64:
            return "i64";
        case ValueType::f32:
            return "f32";
        case ValueType::f64:
            return "f64";
        case ValueType::v128:
            return "v128";
        case ValueType::funcref:
            return "funcref";
        case ValueType::externref:
            return "externref";
        case ValueType::exnref:
            return "exnref";
    }
    return fmt::format("(ref {}{})", is_not_null(type) ? "" : "null ", text_of(heap_of(type)));
}

}  // namespace sojourn::vm
