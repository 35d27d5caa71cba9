// Questions to iam-simulate, one JSON value a line, answered in their order.
//
//   in   ["policy", NAME, DOCUMENT]   said once for each policy; not answered
//        ["ask", CASE]                policies by their names
//   out  {decision, error, matched, ignored}
import { createInterface } from 'node:readline'
import { createValidatedPolicy, validateIdentityPolicy, validateResourcePolicy, validateServiceControlPolicy } from '@cloud-copilot/iam-policy'
import { runSimulation } from '@cloud-copilot/iam-simulate'

// The simulator compares resources letter by letter, each with a collator made
// anew. ECMA-402 defines localeCompare by a collator, so one will do: a case takes a
// tenth of the time. https://tc39.es/ecma402/#sup-String.prototype.localeCompare
const accent = new Intl.Collator(undefined, { sensitivity: 'accent' })
const localeCompare = String.prototype.localeCompare
String.prototype.localeCompare = function (that, locales, options) {
  if (locales === undefined && options?.sensitivity === 'accent' && Object.keys(options).length === 1) {
    return accent.compare(this, that)
  }
  return localeCompare.call(this, that, locales, options)
}

const policies = new Map()

// where names a statement: the kind of policy and its place, and its Sid or place.
const where = (kind) => (s) => `${kind}[${s.policyId}] ${s.statement.sid() || s.statement.index()}`

// statements are those that decided.
function statements(analysis) {
  const of = (kind, one) => [
    ...(one?.denyStatements ?? []).map(where(kind)),
    ...(analysis.result === 'Allowed' ? (one?.allowStatements ?? []).map(where(kind)) : [])
  ]
  return [
    ...of('identity', analysis.identityAnalysis),
    ...(analysis.scpAnalysis?.ouAnalysis ?? []).flatMap((ou) => of('scp', ou)),
    ...of('boundary', analysis.permissionBoundaryAnalysis),
    ...of('resource', analysis.resourceAnalysis)
  ]
}

// reasons says what the simulator refused: a message, and what is wrong with which policy.
function reasons({ message, ...lists }) {
  const found = []
  for (const [list, errors] of Object.entries(lists)) {
    for (const [name, some] of Object.entries(errors)) {
      for (const e of [some].flat()) found.push(`${list}[${name}]: ${e.path ?? ''}: ${e.message ?? e}`)
    }
  }
  return [message, ...found].join('; ')
}

// checked is a policy that was checked as one of its kind, once.
const checks = new Map()
function checked(name, validate) {
  const key = name + validate.name
  if (!checks.has(key)) checks.set(key, createValidatedPolicy(policies.get(name), validate))
  return checks.get(key)
}

const named = (names, validate) => names.map((name, i) => ({ name: String(i), policy: checked(name, validate) }))

async function answer(c) {
  const result = await runSimulation({
    request: {
      principal: c.Principal,
      action: c.Action,
      resource: { resource: c.Resource, accountId: c.ResourceAccount },
      contextVariables: c.Context
    },
    identityPolicies: named(c.Identity, validateIdentityPolicy),
    serviceControlPolicies: c.SCPs.length ? [{ orgIdentifier: 'o-1', policies: named(c.SCPs, validateServiceControlPolicy) }] : [],
    resourceControlPolicies: [],
    permissionBoundaryPolicies: c.Boundary.length ? named(c.Boundary, validateIdentityPolicy) : undefined,
    resourcePolicy: c.ResourcePolicy ? checked(c.ResourcePolicy, validateResourcePolicy) : undefined
  }, { simulationMode: 'Strict' })
  if (result.resultType === 'error') return { error: reasons(result.errors) }
  if (result.resultType !== 'single') return { error: 'the resource has a wildcard: ask for one resource' }
  return {
    decision: result.overallResult,
    matched: statements(result.result.analysis),
    ignored: result.result.ignoredContextKeys ?? []
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const [what, first, second] = JSON.parse(line)
  if (what === 'policy') {
    policies.set(first, second)
    continue
  }
  let out
  try {
    out = await answer(first)
  } catch (e) {
    out = { error: String(e?.message ?? e) }
  }
  if (!process.stdout.write(JSON.stringify(out) + '\n')) await new Promise((r) => process.stdout.once('drain', r))
}
