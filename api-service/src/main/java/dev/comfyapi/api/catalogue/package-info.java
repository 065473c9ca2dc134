/// What the workers have: models, nodes and names; and which of the nodes clients may use.
@NullMarked
package dev.comfyapi.api.catalogue;

import org.jspecify.annotations.NullMarked;
