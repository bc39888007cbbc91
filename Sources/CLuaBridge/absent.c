// What scripts look for and an agent has not: names that Lua's own library, other hosts of Lua and other languages have,
// with what is there in their place. Only looked at when a read has failed.

#include "bridge.h"

#include <string.h>

struct advice {
    const char *name;
    const char *text;
};

#define NO_FILES "an agent reaches no files or processes: "
#define JSON "use agenthost.json.encode and agenthost.json.decode"
#define HTTP "use agenthost.http.get, agenthost.http.post or agenthost.http.request"
#define LOG "use print, or agenthost.log.info"
#define NIL "Lua writes nil; agenthost.null is the null of JSON"
#define PCALL "errors are caught by pcall(function() … end)"
#define CLIENT "a WebSocket's handler gets it: function(payload, client)"
#define AGENT "an agent is declared by agenthost.agent { … } or agenthost.realtime_agent { … }"
#define SETTING                                                                                                        \
    "a script reads its own settings: config = { name = agenthost.setting { env = \"NAME\" } } makes agent.config.name"
#define ANSWER                                                                                                         \
    "an answer of the handler's own is agenthost.answer(status, body, headers), returned or raised by error(…)"
#define RAISE "an error is raised by error(\"…\")"
#define METHOD "it is a method of the agent: agent:"

static const struct advice globals[] = {
    // Of Lua.
    {"io", NO_FILES "agenthost.file.read reads a file beside the script, agenthost.store keeps data, print logs"},
    {"dofile", "use require"},
    {"loadfile", "use require"},
    {"loadstring", "use load"},
    {"module", "return a table from the module"},
    {"setfenv", "use load's fourth argument"},
    {"getfenv", "use load's fourth argument"},
    {"unpack", "use table.unpack"},
    {"warn", "use agenthost.log.warn"},
    // Of other hosts and libraries of Lua.
    {"ngx", "an agent has agenthost.http, agenthost.json, agenthost.log, agenthost.sleep and agenthost.spawn"},
    {"cjson", JSON},
    {"dkjson", JSON},
    {"json", JSON},
    {"JSON", JSON},
    {"http", HTTP},
    {"https", HTTP},
    {"socket", HTTP ", agent:send_kafka or agent:send_mqtt"},
    {"redis", "agent.state survives a reload, and agenthost.store keeps data"},
    {"mqtt", "use agent:on_message and agent:send_mqtt"},
    {"kafka", "use agent:on_message and agent:send_kafka"},
    // Of Python and JavaScript.
    {"requests", HTTP},
    {"fetch", HTTP},
    {"axios", HTTP},
    {"console", LOG},
    {"log", LOG},
    {"logger", LOG},
    {"logging", LOG},
    {"None", NIL},
    {"null", NIL},
    {"NULL", NIL},
    {"undefined", NIL},
    {"True", "Lua writes true"},
    {"False", "Lua writes false"},
    {"len", "use #value"},
    {"range", "use for i = 1, n do"},
    {"enumerate", "use for i, value in ipairs(list) do"},
    {"str", "use tostring(value)"},
    {"int", "use tonumber(text), or value // 1"},
    {"float", "use tonumber(text)"},
    {"isinstance", "use type(value) == \"table\""},
    {"f", "a text with values in it is string.format(\"%s\", value), or put together with .."},
    {"sleep", "use agenthost.sleep(seconds)"},
    {"setTimeout", "use agent:after(seconds, fn)"},
    {"setInterval", "use agent:every(seconds, fn)"},
    {"datetime", "use os.date and agenthost.now()"},
    {"asyncio", "what waits looks synchronous; agenthost.spawn(fn) goes on beside"},
    {"async", "what waits looks synchronous: leave it out"},
    {"await", "what waits looks synchronous: leave it out"},
    {"spawn", "use agenthost.spawn(fn)"},
    {"uuid", "use agenthost.uuid()"},
    {"try", PCALL},
    {"catch", PCALL},
    {"new", "call the function that makes the value"},
    {"this", "Lua has no this: name the table"},
    {"self", "only a function that is declared with a colon has a self"},
    {"time", "use os.time(), agenthost.now() and agenthost.sleep(seconds)"},
    {"random", "use math.random"},
    {"re", "use text:match(pattern) and text:gsub(pattern, replacement)"},
    {"open", NO_FILES "agenthost.file.read reads a file beside the script, agenthost.store keeps data"},
    {"dict", "a table is written { name = value }"},
    {"list", "a list is written { 1, 2 }"},
    {"sorted", "use table.sort(list)"},
    {"Exception", RAISE},
    {"ValueError", RAISE},
    {"Error", RAISE},
    {"HTTPException", ANSWER},
    {"JSONResponse", ANSWER},
    {"HTMLResponse", ANSWER},
    {"PlainTextResponse", ANSWER},
    {"RedirectResponse", ANSWER},
    {"Response", ANSWER},
    {"BackgroundTasks", "agenthost.spawn(fn) goes on beside"},
    {"BaseModel", "a model is agenthost.model { name = \"string\", age = \"integer?\" }"},
    {"Depends", "Lua passes no arguments by itself: call the function"},
    {"uvicorn", "the host runs the agent: agenthost run FILE.lua"},
    {"Agent", AGENT},
    {"FastAPI", AGENT},
    {"APIRouter", AGENT},
    {"app", AGENT},
    {"router", AGENT},
    {"BaseMicroserviceAgent", AGENT},
    {"RealtimeAgent", AGENT},
    // Of agenthost, without what they belong to.
    {"agent", "it is what the declaration returns: local agent = agenthost.agent { … }"},
    {"config", "use agent.config"},
    {"state", "use agent.state"},
    {"events", "use agenthost.events"},
    {"models", "use agenthost.models"},
    {"emit", METHOD "emit { … }"},
    {"publish", METHOD "publish(topic, value)"},
    {"broadcast", METHOD "broadcast(type, value)"},
    {"send_kafka", METHOD "send_kafka(topic, value)"},
    {"send_mqtt", METHOD "send_mqtt(topic, payload)"},
    {"on_message", METHOD "on_message(topic, fn)"},
    {"on_event", METHOD "on_event(type, fn)"},
    {"task", "a task's handler gets it: function(task)"},
    {"data", "a message's handler gets it: function(data, message)"},
    {"message", "a message's handler gets it: function(data, message)"},
    {"event", "an event's handler gets it: function(event)"},
    {"client", CLIENT},
    {"payload", CLIENT},
};

static const struct advice functions[] = {
    {"os.execute", NO_FILES "agenthost.http calls a service that does the work"},
    {"os.getenv", SETTING},
    {"os.environ", SETTING},
    {"os.exit", "an agent cannot end its host; error(message) ends the handler"},
    {"os.remove", NO_FILES "agenthost.store keeps data"},
    {"os.rename", NO_FILES "agenthost.store keeps data"},
    {"os.tmpname", NO_FILES "agenthost.store keeps data"},
    {"os.setlocale", "numbers and texts are the same everywhere"},
    {"os.sleep", "use agenthost.sleep(seconds)"},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *find(const struct advice *table, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].text;
        }
    }
    return NULL;
}

const char *lb_advice_on_global(const char *name) {
    return find(globals, COUNT(globals), name);
}

const char *lb_advice_on_function(const char *library, const char *name) {
    size_t length = strlen(library);
    for (size_t i = 0; i < COUNT(functions); i++) {
        const char *known = functions[i].name;
        if (strncmp(known, library, length) == 0 && known[length] == '.' && strcmp(known + length + 1, name) == 0) {
            return functions[i].text;
        }
    }
    return NULL;
}
