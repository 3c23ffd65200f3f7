#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>
#include <span>
#include <vector>

#include "vm/exec/compiled.hpp"

/// What all code that is generated is made of. Borrows the module.
namespace sojourn::vm::jit {

/// Kinds of memory that never overlap: an access to one says nothing about another.
enum class Space : std::uint8_t {
    guest,    ///< linear memories
    frame,    ///< slots and frame records
    globals,  ///< of instances
    state,    ///< sizes of memories, compiled functions
    poll,     ///< the count of safepoints and whether a pause is wanted
};

class Ir : public llvm::IRBuilder<> {
public:
    /// Of functions of a body_type(): one in which tail calls are certain.
    static constexpr llvm::CallingConv::ID kBodyConvention = llvm::CallingConv::Tail;
    /// Which parameter of a body is the first of the guest's.
    static constexpr unsigned kGuestParameter = 4;

    explicit Ir(llvm::Module& module);
    llvm::Module& module() { return module_; }

    llvm::Type* type_of(ValueType type);
    /// Context, slots, frame, the count of safepoints and what the guest gives; the count, and
    /// behind it a result that is the only one.
    llvm::FunctionType* body_type(const FunctionType& type);
    llvm::FunctionType* entry_type();
    /// What a body gave.
    struct Returned {
        llvm::Value* safepoints;
        llvm::Value* result;  ///< nullptr when it is not the only one
    };
    Returned returned_by(llvm::CallInst* body);
    llvm::FixedVectorType* vector_of(llvm::Type* lane) {
        return llvm::FixedVectorType::get(lane, 128 / lane->getScalarSizeInBits());
    }

    llvm::ConstantInt* word(std::uint64_t value) { return getInt64(value); }
    /// Every NaN in it becomes the canonical one.
    llvm::Value* canonical(llvm::Value* numbers);
    /// By their bits.
    llvm::Constant* float_of(std::uint32_t bits);
    llvm::Constant* double_of(std::uint64_t bits);

    /// A load or store at any alignment.
    llvm::Value* load(llvm::Type* type, llvm::Value* address, Space space);
    void store(llvm::Value* value, llvm::Value* address, Space space);
    /// A 32-bit word that another thread may write, read each time anew.
    llvm::Value* load_shared(llvm::Value* address, Space space);
    llvm::Value* at(llvm::Value* base, std::uint64_t bytes);

    llvm::Value* slot_address(llvm::Value* slots, std::uint32_t slot) {
        return at(slots, std::uint64_t{slot} * sizeof(std::uint64_t));
    }
    /// A value as a slot holds it, and back.
    void store_slot(llvm::Value* value, llvm::Value* slots, std::uint32_t slot, Space space);
    llvm::Value* load_slot(ValueType type, llvm::Value* slots, std::uint32_t slot, Space space);
    /// Values that lie one behind the other.
    void store_slots(llvm::ArrayRef<llvm::Value*> values, llvm::Value* slots);
    std::vector<llvm::Value*> load_slots(std::span<const ValueType> types, llvm::Value* slots);

    /// A word of the context; it never changes.
    llvm::Value* context_word(llvm::Value* context, std::uint32_t index);
    llvm::Value* context_address(llvm::Value* context, std::uint32_t index) {
        return context_address_at(context, word(index));
    }
    llvm::Value* context_address_at(llvm::Value* context, llvm::Value* index);

    /// Calls the helper that lies at `offset` in CompiledHelpers; its result is a word unless it
    /// has none.
    llvm::CallInst* call_helper(llvm::Value* context, std::size_t offset, llvm::Type* result,
                                llvm::ArrayRef<llvm::Value*> arguments);

    /// The same where it hardly ever happens: it takes no register from the code around it. The
    /// context is the first argument.
    llvm::CallInst* call_rare_helper(std::size_t offset, llvm::Type* result,
                                     llvm::ArrayRef<llvm::Value*> arguments);

    /// Branches, and `then` is hardly ever taken.
    void branch_rarely(llvm::Value* condition, llvm::BasicBlock* then, llvm::BasicBlock* otherwise);

    llvm::BasicBlock* new_block(const char* name);
    /// What it is where two ways meet.
    llvm::Value* join(llvm::Value* one, llvm::BasicBlock* from_one, llvm::Value* other,
                      llvm::BasicBlock* from_other);

private:
    llvm::Module& module_;
    llvm::MDBuilder metadata_;
    llvm::MDNode* invariant_;
    std::array<llvm::MDNode*, 5> tags_{};
};

}  // namespace sojourn::vm::jit
