/**
 * Reads the statements of a function. Inner blocks have their own registers, variables and labels; all get names of
 * their own here (name@block), so that what comes after sees one flat function.
 */
#include <unordered_map>

#include "softgpu/ptx/parser.h"

namespace ternary::softgpu::ptx {
namespace {

class BodyParser {
 public:
  BodyParser(Scanner& scan, Function* function) : scan_(scan), function_(function) { parents_.push_back(-1); }

  void parse() {
    names_.emplace_back();
    parse_block(0);
    resolve_labels();
  }

 private:
  void parse_block(int block) {
    while (!scan_.take('}')) {
      if (scan_.at_end()) scan_.fail("a function's body does not end");
      if (scan_.take(';')) continue;
      if (scan_.take('{')) {
        int inner = static_cast<int>(parents_.size());
        parents_.push_back(block);
        names_.emplace_back();
        parse_block(inner);
      } else if (scan_.peek() == '.') {
        parse_directive(block);
      } else {
        parse_labelled(block);
      }
    }
  }

  void parse_directive(int block) {
    scan_.need('.');
    std::string word = scan_.word();
    if (word == "loc" || word == "file") {
      scan_.skip_line();
    } else if (word == "reg") {
      parse_registers(block);
    } else if (word == "shared" || word == "local" || word == "param") {
      Space space = word == "shared" ? Space::shared : word == "local" ? Space::local : Space::param;
      Variable variable = parse_variable(scan_, space, false);
      variable.name = declare(block, variable.name);
      function_->variables.push_back(variable);
      scan_.need(';');
    } else if (word == "pragma") {
      scan_.skip_past(';');
    } else {
      scan_.fail("unknown directive ." + word + " in a function");
    }
  }

  std::string declare(int block, const std::string& name) {
    std::string unique = block == 0 ? name : name + "@" + std::to_string(block);
    if (!names_[block].emplace(name, unique).second) scan_.fail(name + " is declared twice");
    return unique;
  }

  void parse_registers(int block) {
    scan_.need('.');
    std::string word = scan_.word();
    Type type = type_named(word);
    if (type == Type::none) scan_.fail("registers of type ." + word + " are not supported");
    do {
      std::string name = scan_.word();
      if (scan_.take('<')) {
        int64_t count = scan_.integer();
        scan_.need('>');
        for (int64_t i = 0; i < count; ++i) {
          function_->registers.push_back({declare(block, name + std::to_string(i)), type});
        }
      } else {
        function_->registers.push_back({declare(block, name), type});
      }
    } while (scan_.take(','));
    scan_.need(';');
  }

  /** A label, .branchtargets with its label, or an instruction. */
  void parse_labelled(int block) {
    size_t begin = scan_.position();
    int line = scan_.line();
    begin = scan_.position();
    if (scan_.peek() == '@') return parse_instruction(block, begin, line, "");
    std::string word = scan_.word(true);
    if (scan_.peek() == ':') {
      scan_.need(':');
      std::string unique = declare_label(block, word);
      if (scan_.take_word(".branchtargets")) {
        std::vector<std::string>& targets = function_->branch_targets[unique];
        do {
          targets.push_back(scan_.word());
        } while (scan_.take(','));
        scan_.need(';');
        target_blocks_[unique] = block;
      } else if (scan_.take_word(".callprototype") || scan_.take_word(".calltargets")) {
        scan_.skip_past(';');
      } else {
        function_->labels[unique] = function_->body.size();
      }
      return;
    }
    parse_instruction(block, begin, line, word);
  }

  std::string declare_label(int block, const std::string& name) {
    std::string unique = block == 0 ? name : name + "@" + std::to_string(block);
    if (!labels_.emplace(std::make_pair(block, name), unique).second) scan_.fail("label " + name + " is defined twice");
    return unique;
  }

  void parse_instruction(int block, size_t begin, int line, std::string opcode) {
    Instruction instruction;
    instruction.line = line;
    if (opcode.empty()) {
      scan_.need('@');
      instruction.guard_negated = scan_.take('!');
      instruction.guard = resolve(block, scan_.word());
      opcode = scan_.word(true);
    }
    size_t dot = opcode.find('.');
    instruction.opcode = opcode.substr(0, dot);
    while (dot != std::string::npos) {
      size_t next = opcode.find('.', dot + 1);
      instruction.modifiers.push_back(opcode.substr(dot + 1, next == std::string::npos ? next : next - dot - 1));
      dot = next;
    }
    while (!scan_.take(';')) {
      instruction.operands.push_back(parse_operand(block));
      if (!scan_.take(',') && scan_.peek() != ';') {
        scan_.fail("expected , or ; after an operand of " + opcode + ", found '" + scan_.peek() + "'");
      }
    }
    instruction.text = scan_.text_since(begin);
    function_->body.push_back(std::move(instruction));
    instruction_blocks_.push_back(block);
  }

  Operand parse_list(int block, char end) {
    Operand list;
    list.kind = Operand::Kind::vector;
    while (!scan_.take(end)) {
      list.elements.push_back(parse_operand(block));
      if (!scan_.take(',') && scan_.peek() != end) scan_.fail("a list of operands does not end");
    }
    return list;
  }

  Operand parse_address(int block) {
    Operand address;
    address.kind = Operand::Kind::address;
    bool first = true;
    while (!scan_.take(']')) {
      Operand part = parse_operand(block);
      if (first) {
        address.offset = part.offset;
        part.offset = 0;
      }
      address.elements.push_back(part);
      if (!scan_.take(',') && scan_.peek() != ']') scan_.fail("an address does not end");
      first = false;
    }
    return address;
  }

  Operand parse_operand(int block) {
    Operand operand;
    if (scan_.take('{')) return parse_list(block, '}');
    if (scan_.take('(')) return parse_list(block, ')');
    if (scan_.take('[')) return parse_address(block);
    if (scan_.take('!')) {
      operand.kind = Operand::Kind::negated;
      operand.elements.push_back(parse_operand(block));
      return operand;
    }
    if (!scan_.at_word()) return parse_number();
    operand.name = resolve(block, scan_.word(scan_.peek() == '%'));
    if (scan_.take('|')) {
      Operand first = operand, second;
      second.name = resolve(block, scan_.word());
      operand = {};
      operand.kind = Operand::Kind::pair;
      operand.elements = {first, second};
    } else if (scan_.peek() == '+' || scan_.peek() == '-') {
      if (scan_.take('+') && scan_.peek() == '-') {
        operand.offset = scan_.integer();  // [%r1+-4]
      } else {
        operand.offset = scan_.integer();
      }
    }
    return operand;
  }

  Operand parse_number() {
    Operand operand;
    bool negative = scan_.take('-');
    int width;
    operand.bits = scan_.number(&width);
    operand.kind = width == 0 ? Operand::Kind::integer : width == 32 ? Operand::Kind::real32 : Operand::Kind::real64;
    if (negative) operand.bits = width == 0 ? 0 - operand.bits : operand.bits ^ (uint64_t{1} << (width - 1));
    return operand;
  }

  /** The unique name of a register or variable; the name itself if no block declares it (labels, module, special). */
  std::string resolve(int block, const std::string& name) {
    for (; block >= 0; block = parents_[block]) {
      auto found = names_[block].find(name);
      if (found != names_[block].end()) return found->second;
    }
    return name;
  }

  std::string resolve_label(int block, const std::string& name) {
    for (; block >= 0; block = parents_[block]) {
      auto found = labels_.find({block, name});
      if (found != labels_.end()) return found->second;
    }
    return name;
  }

  void resolve_labels() {
    for (size_t i = 0; i < function_->body.size(); ++i) {
      Instruction& instruction = function_->body[i];
      if (instruction.opcode != "bra" && instruction.opcode != "brx") continue;
      Operand& label = instruction.operands.back();
      label.name = resolve_label(instruction_blocks_[i], label.name);
    }
    for (auto& [name, targets] : function_->branch_targets) {
      for (std::string& target : targets) target = resolve_label(target_blocks_[name], target);
    }
  }

  Scanner& scan_;
  Function* function_;
  std::vector<int> parents_;
  std::vector<std::unordered_map<std::string, std::string>> names_;
  std::map<std::pair<int, std::string>, std::string> labels_;
  std::map<std::string, int> target_blocks_;
  std::vector<int> instruction_blocks_;
};

}  // namespace

void parse_body(Scanner& scan, Function* function) { BodyParser(scan, function).parse(); }

}  // namespace ternary::softgpu::ptx
