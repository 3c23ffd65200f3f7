#pragma once

#include "vm/wasm/internal/body_validator.hpp"

namespace sojourn::vm::internal {

/// Decodes and validates a module in one pass over its bytes.
class ModuleDecoder {
public:
    ModuleDecoder(ByteVector bytes, BodyValidation body_validation);

    /// Once.
    Result<std::shared_ptr<const Module>> decode();

private:
    void header();
    void section();
    void section_content(std::uint8_t id);
    void check_order(std::uint8_t id);
    void check_whole();

    void custom_section();
    void type_section();
    void import_section();
    void function_section();
    void table_section();
    void memory_section();
    void tag_section();
    void global_section();
    void export_section();
    void start_section();
    void element_section();
    void data_count_section();
    void code_section();
    void data_section();
    void body(std::uint32_t function_index);

    std::vector<ValueType> value_types(std::uint32_t count_max, std::string_view of_what);
    void type_group(std::uint32_t count);
    DefinedType defined_type();
    std::optional<std::uint32_t> supertype();
    /// Requires: the groups up to that of the type are there.
    void check_supertype_depth(std::uint32_t index);
    /// Requires: besides, no type is too deep.
    void check_supertype(std::uint32_t index);
    std::vector<FieldType> fields();
    FieldType field();
    void import_one(Import& import);
    void table_definition();
    void add_table(TableType table);
    void add_tag();
    void add_memory(MemoryType memory);
    void check_export_names();
    ElementSegment element_segment();
    void element_header(ElementSegment& segment, std::uint32_t flags);
    void element_items(ElementSegment& segment, bool are_expressions);
    DataSegment data_segment();

    /// Constant instructions and their `end`, which leave one value of the type `expected`.
    ConstantExpression constant_expression(ValueType expected);
    /// What the instruction means when it is the only one. Changes the types of the operands.
    ConstantExpression constant_instruction(const Instruction& instruction,
                                            std::vector<ValueType>& operands);
    void constant_arithmetic(const Instruction& instruction, std::vector<ValueType>& operands);

    std::uint32_t function_type_index();
    /// Makes a function known to ref.func. A failure when there is no such function.
    void declare(std::uint32_t function_index);
    bool check_index(std::uint32_t index, std::size_t count, std::string_view of_what);
    ExternKind extern_kind(std::string_view of_what);

    std::shared_ptr<Module> module_;
    ModuleReader reader_;
    BodyValidator body_validator_{*module_, reader_};
    TypeGroups type_groups_;
    int last_section_rank_ = 0;
    std::uint32_t bodies_ = 0;
    Bytes name_section_;
};

/// The function names of a name section, sorted by index. What can't be read is left out.
std::vector<std::pair<std::uint32_t, std::string>> read_function_names(Bytes name_section,
                                                                       std::size_t function_count);

}  // namespace sojourn::vm::internal
