/// Who may call: keys, tenants, and what a request shows to prove who it is from.
@NullMarked
package dev.comfyapi.api.account;

import org.jspecify.annotations.NullMarked;
