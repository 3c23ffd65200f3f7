#include "vm/jit/ir.hpp"

namespace sojourn::vm::jit {

Ir::Ir(llvm::Module& module)
    : IRBuilder<>(module.getContext()),
      module_(module),
      metadata_(module.getContext()),
      invariant_(llvm::MDNode::get(module.getContext(), {})) {
    llvm::MDNode* const root = metadata_.createTBAARoot("sojourn");
    constexpr std::array kNames{"guest", "frame", "globals", "state", "poll"};
    for (std::size_t i = 0; i < tags_.size(); ++i) {
        llvm::MDNode* const space = metadata_.createTBAAScalarTypeNode(kNames[i], root);
        tags_[i] = metadata_.createTBAAStructTagNode(space, space, 0);
    }
}

llvm::Type* Ir::type_of(ValueType type) {
    switch (type) {
        case ValueType::i32:
            return getInt32Ty();
        case ValueType::f32:
            return getFloatTy();
        case ValueType::f64:
            return getDoubleTy();
        case ValueType::v128:
            return vector_of(getInt64Ty());
        default:
            return getInt64Ty();
    }
}

llvm::FunctionType* Ir::body_type(const FunctionType& type) {
    std::vector<llvm::Type*> parameters(3, getPtrTy());
    parameters.push_back(getInt64Ty());
    for (const ValueType parameter : type.parameters)
        parameters.push_back(type_of(parameter));
    llvm::Type* result = getInt64Ty();
    if (type.results.size() == 1)
        result = llvm::StructType::get(result, type_of(type.results.front()));
    return llvm::FunctionType::get(result, parameters, false);
}

llvm::FunctionType* Ir::entry_type() {
    return llvm::FunctionType::get(getVoidTy(), {getPtrTy(), getPtrTy(), getPtrTy()}, false);
}

Ir::Returned Ir::returned_by(llvm::CallInst* body) {
    if (!body->getType()->isStructTy()) return {body, nullptr};
    return {CreateExtractValue(body, 0), CreateExtractValue(body, 1)};
}

llvm::Value* Ir::load(llvm::Type* type, llvm::Value* address, Space space) {
    llvm::LoadInst* const load = CreateAlignedLoad(type, address, llvm::Align(1));
    load->setMetadata(llvm::LLVMContext::MD_tbaa, tags_[static_cast<std::size_t>(space)]);
    return load;
}

void Ir::store(llvm::Value* value, llvm::Value* address, Space space) {
    llvm::StoreInst* const store = CreateAlignedStore(value, address, llvm::Align(1));
    store->setMetadata(llvm::LLVMContext::MD_tbaa, tags_[static_cast<std::size_t>(space)]);
}

llvm::Value* Ir::at(llvm::Value* base, std::uint64_t bytes) {
    return bytes == 0 ? base : CreatePtrAdd(base, word(bytes));
}

llvm::Value* Ir::canonical(llvm::Value* numbers) {
    llvm::Constant* const nan = llvm::ConstantFP::getQNaN(numbers->getType());
    return CreateSelect(CreateFCmpUNO(numbers, numbers), nan, numbers);
}

llvm::Constant* Ir::float_of(std::uint32_t bits) {
    return llvm::ConstantFP::get(getContext(),
                                 llvm::APFloat(llvm::APFloat::IEEEsingle(), llvm::APInt(32, bits)));
}

llvm::Constant* Ir::double_of(std::uint64_t bits) {
    return llvm::ConstantFP::get(getContext(),
                                 llvm::APFloat(llvm::APFloat::IEEEdouble(), llvm::APInt(64, bits)));
}

llvm::Value* Ir::load_shared(llvm::Value* address, Space space) {
    llvm::LoadInst* const load = CreateAlignedLoad(getInt32Ty(), address, llvm::Align(4));
    // Not monotonic, which LLVM takes for a write of everything.
    load->setAtomic(llvm::AtomicOrdering::Unordered);
    load->setVolatile(true);
    load->setMetadata(llvm::LLVMContext::MD_tbaa, tags_[static_cast<std::size_t>(space)]);
    return load;
}

void Ir::store_slot(llvm::Value* value, llvm::Value* slots, std::uint32_t slot, Space space) {
    if (value->getType()->isFloatTy()) value = CreateBitCast(value, getInt32Ty());
    if (value->getType()->isIntegerTy(32)) value = CreateZExt(value, getInt64Ty());
    store(value, slot_address(slots, slot), space);
}

llvm::Value* Ir::load_slot(ValueType type, llvm::Value* slots, std::uint32_t slot, Space space) {
    return load(type_of(type), slot_address(slots, slot), space);
}

void Ir::store_slots(llvm::ArrayRef<llvm::Value*> values, llvm::Value* slots) {
    std::uint32_t slot = 0;
    for (llvm::Value* value : values) {
        store_slot(value, slots, slot, Space::frame);
        slot += value->getType()->isVectorTy() ? 2U : 1U;
    }
}

std::vector<llvm::Value*> Ir::load_slots(std::span<const ValueType> types, llvm::Value* slots) {
    std::vector<llvm::Value*> values;
    std::uint32_t slot = 0;
    for (const ValueType type : types) {
        values.push_back(load_slot(type, slots, slot, Space::frame));
        slot += slots_of(type);
    }
    return values;
}

llvm::Value* Ir::context_word(llvm::Value* context, std::uint32_t index) {
    llvm::LoadInst* const load = CreateLoad(getInt64Ty(), at(context, std::uint64_t{index} * 8));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, invariant_);
    return load;
}

llvm::Value* Ir::context_address_at(llvm::Value* context, llvm::Value* index) {
    llvm::LoadInst* const load = CreateLoad(getPtrTy(), CreateGEP(getInt64Ty(), context, index));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, invariant_);
    return load;
}

llvm::CallInst* Ir::call_helper(llvm::Value* context, std::size_t offset, llvm::Type* result,
                                llvm::ArrayRef<llvm::Value*> arguments) {
    std::vector<llvm::Type*> types;
    for (llvm::Value* argument : arguments)
        types.push_back(argument->getType());
    llvm::Value* const helpers = context_address(context, ContextLayout::kHelpers);
    llvm::LoadInst* const helper = CreateLoad(getPtrTy(), at(helpers, offset));
    helper->setMetadata(llvm::LLVMContext::MD_invariant_load, invariant_);
    llvm::CallInst* const call =
        CreateCall(llvm::FunctionType::get(result, types, false), helper, arguments);
    call->setDoesNotThrow();
    return call;
}

llvm::CallInst* Ir::call_rare_helper(std::size_t offset, llvm::Type* result,
                                     llvm::ArrayRef<llvm::Value*> arguments) {
    std::vector<llvm::Type*> types;
    for (llvm::Value* argument : arguments)
        types.push_back(argument->getType());
    const std::string name = "helper_" + std::to_string(offset);
    llvm::Function* stub = module_.getFunction(name);
    if (stub == nullptr) {
        stub = llvm::Function::Create(llvm::FunctionType::get(result, types, false),
                                      llvm::Function::InternalLinkage, name, module_);
        stub->setCallingConv(llvm::CallingConv::PreserveMost);
        stub->addFnAttr(llvm::Attribute::NoInline);
        stub->addFnAttr(llvm::Attribute::Cold);
        stub->setDoesNotThrow();
        const InsertPointGuard guard(*this);
        SetInsertPoint(llvm::BasicBlock::Create(getContext(), "entry", stub));
        std::vector<llvm::Value*> given;
        for (llvm::Argument& argument : stub->args())
            given.push_back(&argument);
        llvm::Value* const made = call_helper(given.front(), offset, result, given);
        result->isVoidTy() ? CreateRetVoid() : CreateRet(made);
    }
    llvm::CallInst* const call = CreateCall(stub, arguments);
    call->setCallingConv(llvm::CallingConv::PreserveMost);
    call->setDoesNotThrow();
    return call;
}

void Ir::branch_rarely(llvm::Value* condition, llvm::BasicBlock* then,
                       llvm::BasicBlock* otherwise) {
    CreateCondBr(condition, then, otherwise, metadata_.createBranchWeights(1, 1U << 20U));
}

llvm::BasicBlock* Ir::new_block(const char* name) {
    return llvm::BasicBlock::Create(getContext(), name, GetInsertBlock()->getParent());
}

llvm::Value* Ir::join(llvm::Value* one, llvm::BasicBlock* from_one, llvm::Value* other,
                      llvm::BasicBlock* from_other) {
    llvm::PHINode* const value = CreatePHI(one->getType(), 2);
    value->addIncoming(one, from_one);
    value->addIncoming(other, from_other);
    return value;
}

}  // namespace sojourn::vm::jit
