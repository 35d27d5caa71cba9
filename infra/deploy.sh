#!/usr/bin/env bash
# deploy.sh CDK [ARGUMENT...]: cdk deploy, with each setting that is said (--context
# KEY=VALUE) as a parameter of the stack, too. A context key is the default of a
# parameter, and of a stack that is there the CDK keeps the parameters as they were:
# https://github.com/aws/aws-cdk/issues/7576
set -euo pipefail
cdk=$1
shift
parameters=()
setting() {
  if [[ $1 =~ ^[a-z][A-Za-z]*= ]]; then parameters+=(--parameters "sagemoat:${1^}"); fi
}
for ((i = 1; i <= $#; i++)); do
  case ${!i} in
    -c | --context)
      next=$((i + 1))
      setting "${!next-}"
      ;;
    --context=*) setting "${!i#--context=}" ;;
  esac
done
exec "$cdk" deploy --no-notices "$@" "${parameters[@]}"
