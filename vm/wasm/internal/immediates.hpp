#pragma once

#include "vm/wasm/instruction.hpp"

namespace sojourn::vm::internal {

/// What the spans of an Instruction point into: good until the next one is read.
struct ImmediateStorage {
    std::vector<std::uint32_t> labels;
    std::vector<ValueType> types;
    std::vector<Catch> catches;
};

/// The forms of a clause of try_table. Others are refused by the source.
enum class CatchForm : std::uint8_t { tag, tag_reference, all, all_reference };

template <typename Source>
Catch read_catch(Source& source) {
    Catch clause;
    const CatchForm form = source.catch_form();
    if (form == CatchForm::tag || form == CatchForm::tag_reference) clause.tag = source.u32();
    clause.wants_reference = form == CatchForm::tag_reference || form == CatchForm::all_reference;
    clause.label = source.u32();
    return clause;
}

/// Of the alignment of a load or store.
inline constexpr std::uint32_t kMemoryIndexFollows = 0x40;

template <typename Source>
void read_memarg(Source& source, Instruction& instruction) {
    instruction.alignment_log2 = source.u32();
    instruction.index = 0;
    if ((instruction.alignment_log2 & kMemoryIndexFollows) != 0) {
        instruction.alignment_log2 -= kMemoryIndexFollows;
        instruction.index = source.u32();
    }
    instruction.memory_offset = source.u64();
}

/// Reads what follows an opcode: the one place that knows the layout of immediates. `Source` is a
/// reader of checked bytes (CodeReader) or of unchecked ones (ModuleReader), which after a failure
/// hands out zeros; `storage.labels` then stays as short as the bytes that were there.
template <typename Source>
void read_immediates(Source& source, Instruction& instruction, ImmediateStorage& storage) {
    switch (info_of(instruction.opcode).immediate) {
        case Immediate::none:
            break;
        case Immediate::block:
            instruction.block = source.block_type();
            break;
        case Immediate::block_catches: {
            instruction.block = source.block_type();
            storage.catches.clear();
            const std::uint32_t count = source.u32();
            for (std::uint32_t i = 0; i < count && !source.failed(); ++i) {
                storage.catches.push_back(read_catch(source));
            }
            instruction.catches = storage.catches;
            break;
        }
        case Immediate::label:
        case Immediate::tag:
        case Immediate::type:
        case Immediate::function:
        case Immediate::local:
        case Immediate::global:
        case Immediate::table:
        case Immediate::memory:
        case Immediate::data:
        case Immediate::element:
            instruction.index = source.u32();
            break;
        case Immediate::indirect:
        case Immediate::data_memory:
        case Immediate::memory_memory:
        case Immediate::element_table:
        case Immediate::table_table:
            instruction.index = source.u32();
            instruction.second_index = source.u32();
            break;
        case Immediate::label_table: {
            storage.labels.clear();
            const std::uint64_t count = std::uint64_t{source.u32()} + 1;
            for (std::uint64_t i = 0; i < count && !source.failed(); ++i) {
                storage.labels.push_back(source.u32());
            }
            instruction.labels = storage.labels;
            break;
        }
        case Immediate::value_types: {
            storage.types.clear();
            const std::uint32_t count = source.u32();
            for (std::uint32_t i = 0; i < count && !source.failed(); ++i) {
                storage.types.push_back(source.value_type());
            }
            instruction.types = storage.types;
            break;
        }
        case Immediate::memarg:
            read_memarg(source, instruction);
            break;
        case Immediate::memarg_lane:
            read_memarg(source, instruction);
            instruction.lane = source.u8();
            break;
        case Immediate::lane:
            instruction.lane = source.u8();
            break;
        case Immediate::v128:
        case Immediate::lanes:
            for (std::uint64_t& half : instruction.vector.halves)
                half = source.fixed_u64();
            break;
        case Immediate::i32:
            instruction.constant = static_cast<std::uint32_t>(source.s32());
            break;
        case Immediate::i64:
            instruction.constant = static_cast<std::uint64_t>(source.s64());
            break;
        case Immediate::f32:
            instruction.constant = source.fixed_u32();
            break;
        case Immediate::f64:
            instruction.constant = source.fixed_u64();
            break;
        case Immediate::heap_type:
            instruction.type = reference_to(source.heap_type(), true);
            break;
    }
}

}  // namespace sojourn::vm::internal
