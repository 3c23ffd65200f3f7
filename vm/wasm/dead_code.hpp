#pragma once

#include "vm/wasm/opcode.hpp"

namespace sojourn::vm {

/// Follows the code behind an instruction that does not go on, to where it may be reached again.
class DeadCode {
public:
    /// Whether an instruction of it, each of which is asked for in turn, ends the block that
    /// the dead code began in, or begins that block's next arm.
    bool is_left_at(Opcode opcode) {
        switch (opcode) {
            case Opcode::block:
            case Opcode::loop:
            case Opcode::if_:
            case Opcode::try_:
            case Opcode::try_table:
                ++opened_blocks_;
                return false;
            case Opcode::else_:
            case Opcode::catch_:
            case Opcode::catch_all:
                return opened_blocks_ == 0;
            case Opcode::end:
            case Opcode::delegate:
                if (opened_blocks_ == 0) return true;
                --opened_blocks_;
                return false;
            default:
                return false;
        }
    }

private:
    std::uint32_t opened_blocks_ = 0;  ///< and not closed yet
};

}  // namespace sojourn::vm
