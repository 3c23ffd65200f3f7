#include "vm/exec/interpreter.hpp"

namespace sojourn::vm {

const Word* stub(Handler handler) {
    // What stands before a return address is the call, whose callee began `a` slots further on.
    struct Stub {
        Word call[2];
        Word word;
    };
    constexpr auto kFirst = Handler::translate_function;
    static const auto stubs = [] {
        std::array<Stub, 7> made{};
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i].word.op.handler =
                address_of(static_cast<Handler>(static_cast<std::size_t>(kFirst) + i));
        }
        return made;
    }();
    return &stubs[static_cast<std::size_t>(handler) - static_cast<std::size_t>(kFirst)].word;
}

}  // namespace sojourn::vm
