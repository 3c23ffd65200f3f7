#include "vm/trap.hpp"

namespace sojourn::vm {

const char* text_of(Trap trap) {
    switch (trap) {
#define TRAP(name, text) \
    case Trap::name:     \
        return text;
#include "vm/traps.def"
#undef TRAP
    }
    return "unknown trap";
}

}  // namespace sojourn::vm
