#ifndef AGENTHOST_CMIMALLOC_SHIM_H
#define AGENTHOST_CMIMALLOC_SHIM_H

#include <mimalloc.h>

#endif
