/**
 * Reads a module: what stands outside of function bodies. Bodies are body_parser.cc's.
 */
#include "softgpu/ptx/parser.h"

#include <cmath>
#include <cstring>

namespace ternary::softgpu::ptx {
namespace {

void append_bytes(std::vector<uint8_t>* bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

/** One value of an initialiser: a number, or the address of a variable, maybe as generic(name) and with + offset. */
void parse_initial_value(Scanner& scan, Variable* variable) {
  int element = bits(variable->type) / 8;
  if (scan.take('{')) {
    while (!scan.take('}')) {
      parse_initial_value(scan, variable);
      scan.take(',');
    }
    return;
  }
  if (scan.at_word()) {
    Variable::Reference reference{variable->initial.size(), scan.word(), 0, false};
    if (reference.name == "generic") {
      reference.generic = true;
      scan.need('(');
      reference.name = scan.word();
      scan.need(')');
    }
    if (scan.peek() == '+' || scan.peek() == '-') reference.offset = scan.integer();
    if (element != 8) scan.fail("an address of " + std::to_string(element) + " bytes in an initialiser");
    variable->references.push_back(reference);
    append_bytes(&variable->initial, 0, element);
    return;
  }
  bool negative = scan.take('-');
  int width;
  uint64_t value = scan.number(&width);
  if (width == 64 && variable->type == Type::f32) {
    double real;
    std::memcpy(&real, &value, 8);
    float narrow = static_cast<float>(negative ? -real : real);
    uint32_t raw;
    std::memcpy(&raw, &narrow, 4);
    append_bytes(&variable->initial, raw, 4);
    return;
  }
  if (negative) value = width == 0 ? 0 - value : value ^ (uint64_t{1} << (width - 1));
  append_bytes(&variable->initial, value, element);
}

uint64_t parse_dimensions(Scanner& scan, bool* open) {
  uint64_t count = 1;
  *open = false;
  while (scan.take('[')) {
    if (scan.peek() == ']') {
      *open = true;
    } else {
      count *= static_cast<uint64_t>(scan.integer());
    }
    scan.need(']');
  }
  return count;
}

}  // namespace

Variable parse_variable(Scanner& scan, Space space, bool external) {
  Variable variable;
  variable.space = space;
  variable.external = external;
  int lanes = 1;
  bool aligned = false;
  while (scan.take('.')) {
    std::string word = scan.word();
    Type type = type_named(word);
    if (type != Type::none) {
      variable.type = type;
    } else if (word == "align") {
      variable.alignment = static_cast<uint64_t>(scan.integer());
      aligned = true;
    } else if (word == "v2" || word == "v4") {
      lanes = word[1] - '0';
    } else if (word != "ptr" && word != "global" && word != "shared" && word != "const" && word != "local") {
      scan.fail("a variable of ." + word + " is not supported");
    }
  }
  if (variable.type == Type::none) scan.fail("a variable without a type");
  variable.name = scan.word();
  uint64_t element = static_cast<uint64_t>(bits(variable.type)) / 8 * lanes;
  if (!aligned) variable.alignment = element;
  bool open;
  variable.bytes = element * parse_dimensions(scan, &open);
  if (open) variable.bytes = 0;
  if (scan.take('=')) {
    parse_initial_value(scan, &variable);
    if (open) variable.bytes = variable.initial.size();
    if (variable.initial.size() > variable.bytes) scan.fail("more initial values than " + variable.name + " has");
    variable.initial.resize(variable.bytes);
  }
  return variable;
}

namespace {

class ModuleParser {
 public:
  explicit ModuleParser(const std::string& text) : scan_(text), module_(new Module) {}

  std::unique_ptr<Module> parse() {
    while (!scan_.at_end()) parse_statement();
    return std::move(module_);
  }

 private:
  void parse_statement() {
    if (scan_.take(';')) return;
    scan_.need('.');
    std::string word = scan_.word();
    if (word == "version") {
      parse_version();
    } else if (word == "target") {
      module_->target = scan_.word();
      scan_.skip_line();
    } else if (word == "address_size") {
      if (scan_.integer() != 64) scan_.fail("only 64-bit addresses are supported");
    } else if (word == "file" || word == "loc") {
      scan_.skip_line();
    } else if (word == "section") {
      scan_.skip_past('{');
      scan_.skip_block();
    } else if (word == "visible" || word == "weak" || word == "common" || word == "extern") {
      external_ = word == "extern";
      return;  // belongs to what follows
    } else if (word == "entry" || word == "func") {
      parse_function(word == "entry");
    } else if (word == "global" || word == "const" || word == "shared") {
      Space space = word == "global" ? Space::global : word == "const" ? Space::constant : Space::shared;
      module_->variables.push_back(parse_variable(scan_, space, external_));
      scan_.need(';');
    } else if (word == "pragma") {
      scan_.skip_past(';');
    } else {
      scan_.fail("unknown directive ." + word);
    }
    external_ = false;
  }

  void parse_version() {
    int width;
    uint64_t raw = scan_.number(&width);
    double version;
    std::memcpy(&version, &raw, 8);
    module_->version_major = static_cast<int>(version);
    module_->version_minor = static_cast<int>(std::lround(version * 10) % 10);
    scan_.skip_line();
  }

  std::vector<Variable> parse_params() {
    std::vector<Variable> params;
    if (!scan_.take('(')) return params;
    while (!scan_.take(')')) {
      if (!scan_.take_word(".param") && !scan_.take_word(".reg")) scan_.fail("expected .param");
      params.push_back(parse_variable(scan_, Space::param, false));
      scan_.take(',');
    }
    return params;
  }

  void parse_function(bool entry) {
    auto function = std::make_unique<Function>();
    function->entry = entry;
    if (scan_.take_word(".attribute")) scan_.skip_past(')');
    if (!entry) function->results = parse_params();
    function->line = scan_.line();
    function->name = scan_.word();
    scan_.set_where((entry ? "kernel " : "function ") + function->name);
    function->params = parse_params();
    parse_attributes(function.get());
    if (!scan_.take(';')) {
      scan_.need('{');
      function->defined = true;
      parse_body(scan_, function.get());
    }
    scan_.set_where("module");
    module_->functions.push_back(std::move(function));
  }

  void parse_triple(uint32_t* triple) {
    for (int i = 0; i < 3; ++i) triple[i] = 1;
    for (int i = 0; i < 3; ++i) {
      triple[i] = static_cast<uint32_t>(scan_.integer());
      if (!scan_.take(',')) break;
    }
  }

  void parse_attributes(Function* function) {
    while (scan_.take('.')) {
      std::string word = scan_.word();
      if (word == "maxntid") {
        parse_triple(function->max_ntid);
      } else if (word == "reqntid") {
        parse_triple(function->required_ntid);
      } else if (word == "reqnctapercluster") {
        parse_triple(function->required_cluster);
      } else if (word == "minnctapersm" || word == "maxnreg" || word == "maxclusterrank" || word == "maxnctapersm") {
        scan_.integer();  // what ptxas makes of it changes no result
      } else if (word == "pragma") {
        scan_.skip_past(';');
      } else if (word != "noreturn" && word != "explicitcluster") {
        scan_.fail("unknown directive ." + word + " of a function");
      }
    }
  }

  Scanner scan_;
  std::unique_ptr<Module> module_;
  bool external_ = false;
};

}  // namespace

std::unique_ptr<Module> parse(const std::string& text) { return ModuleParser(text).parse(); }

}  // namespace ternary::softgpu::ptx
